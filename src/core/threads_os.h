/* What threads.c needs of the operating system: POSIX threads, or Win32's own. */
#ifndef AG_THREADS_OS_H
#define AG_THREADS_OS_H

#ifdef _WIN32
#include <windows.h>

typedef HANDLE os_thread;
typedef SRWLOCK os_mutex;
typedef CONDITION_VARIABLE os_cond;
#define OS_MUTEX_INIT           SRWLOCK_INIT
#define OS_COND_INIT            CONDITION_VARIABLE_INIT
#define OS_THREAD_FN(name, arg) static DWORD WINAPI name(LPVOID arg)
#define OS_THREAD_RETURN        return 0

static inline void os_lock(os_mutex *m) { AcquireSRWLockExclusive(m); }
static inline void os_unlock(os_mutex *m) { ReleaseSRWLockExclusive(m); }
static inline void os_wait(os_cond *c, os_mutex *m) {
  SleepConditionVariableSRW(c, m, INFINITE, 0);
}
static inline void os_signal(os_cond *c) { WakeConditionVariable(c); }
static inline void os_broadcast(os_cond *c) { WakeAllConditionVariable(c); }
static inline void os_yield(void) { SwitchToThread(); }
static inline long os_process(void) { return (long)GetCurrentProcessId(); }

static inline int os_start(os_thread *t, DWORD(WINAPI *fn)(LPVOID), void *arg) {
  *t = CreateThread(NULL, 0, fn, arg, 0, NULL);
  return *t != NULL;
}

static inline void os_join(os_thread t) {
  WaitForSingleObject(t, INFINITE);
  CloseHandle(t);
}

static inline int os_core(void) { return -1; }
static inline void os_avoid(os_thread t, int core) { (void)t, (void)core; }

static inline int os_cores(void) {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return (int)info.dwNumberOfProcessors;
}

static inline double os_seconds(void) {
  LARGE_INTEGER now, rate;
  QueryPerformanceCounter(&now);
  QueryPerformanceFrequency(&rate);
  return (double)now.QuadPart / (double)rate.QuadPart;
}

#else
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

typedef pthread_t os_thread;
typedef pthread_mutex_t os_mutex;
typedef pthread_cond_t os_cond;
#define OS_MUTEX_INIT           PTHREAD_MUTEX_INITIALIZER
#define OS_COND_INIT            PTHREAD_COND_INITIALIZER
#define OS_THREAD_FN(name, arg) static void *name(void *arg)
#define OS_THREAD_RETURN        return NULL

static inline void os_lock(os_mutex *m) { pthread_mutex_lock(m); }
static inline void os_unlock(os_mutex *m) { pthread_mutex_unlock(m); }
static inline void os_wait(os_cond *c, os_mutex *m) { pthread_cond_wait(c, m); }
static inline void os_signal(os_cond *c) { pthread_cond_signal(c); }
static inline void os_broadcast(os_cond *c) { pthread_cond_broadcast(c); }
static inline void os_yield(void) { sched_yield(); }
static inline long os_process(void) { return (long)getpid(); }

/* All signals are blocked in the new thread: Ctrl-C has to reach the caller's. */
static inline int os_start(os_thread *t, void *(*fn)(void *), void *arg) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int error = pthread_create(t, NULL, fn, arg);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return error == 0;
}

static inline void os_join(os_thread t) { pthread_join(t, NULL); }

/* Linux likes to wake a thread on the core of the one that wakes it, and may leave both there for
 * milliseconds while another core is idle: workers are kept off the caller's core. */
#if defined(__linux__) && defined(CPU_COUNT)
static inline int os_core(void) { return sched_getcpu(); }
static inline void os_avoid(os_thread t, int core) {
  cpu_set_t set;
  if (core < 0 || sched_getaffinity(0, sizeof set, &set) != 0) return;
  CPU_CLR(core, &set);
  if (CPU_COUNT(&set) > 0) (void)pthread_setaffinity_np(t, sizeof set, &set);
}
#else
static inline int os_core(void) { return -1; }
static inline void os_avoid(os_thread t, int core) { (void)t, (void)core; }
#endif

/* Cores this process may use (taskset, batch systems), else those that are online. */
static inline int os_cores(void) {
#if defined(__linux__) && defined(CPU_COUNT)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static inline double os_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
#endif

/* Tells the processor that this is a waiting loop. */
static inline void os_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
