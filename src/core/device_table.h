/* What the device implementations offer to the registry in device.c. */
#ifndef AG_DEVICE_TABLE_H
#define AG_DEVICE_TABLE_H

#include "device.h"

extern const ag_device_table ag_host_table, ag_opencl_table;
/* A device, not opened, owned by the caller (free); NULL if memory ran out. */
ag_device *ag_host_new(void);
/* Fills `devices` (not opened, owned by the caller); returns how many. */
int ag_opencl_probe(ag_device **devices, int max);
const char *ag_opencl_problem(void);
/* AG_E_DEVICE when `d` was opened by the process that this one was forked from. */
AG_CHECKED ag_status ag_device_check(const ag_device *d);

#endif
