/* In front of every generated kernel: conversions between the dtypes that keep NA.
 *
 *   AG_<from>_TO_<to>(V, x)   x of <from>, V empty for a scalar or the number of lanes
 *
 * float64  NA is R's: a NaN whose low word is 1954
 * float32  NA is the NaN 0x7FC007A2
 * int32, logical  NA is the least int; a real that is NaN or does not fit becomes NA
 * bfloat16  the upper half of a float32, to the nearest, ties to even; NA becomes NaN
 * All other NaNs stay NaN. F64 macros need fp64, and only a kernel that uses them needs it. */
#ifdef AG_FP64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

#define NA_INT (-2147483647 - 1)

#define AG_NA_F32(V)        as_float##V((int##V)(0x7FC007A2))
#define AG_NA_F64(V)        as_double##V((long##V)(0x7FF00000000007A2L))
#define AG_IS_NA_F32(V, x)  ((as_int##V(x) & 0x7FBFFFFF) == 0x7F8007A2)
#define AG_IS_NA_F64(V, x)  (((x) != (x)) & ((as_long##V(x) & 0xFFFFFFFFL) == 1954L))

#define AG_F64_TO_F32(V, x) \
  (convert_int##V(AG_IS_NA_F64(V, x)) ? AG_NA_F32(V) : convert_float##V(x))
#define AG_F32_TO_F64(V, x) \
  (convert_long##V(AG_IS_NA_F32(V, x)) ? AG_NA_F64(V) : convert_double##V(x))

#define AG_I32_TO_F32(V, x) ((x) == NA_INT ? AG_NA_F32(V) : convert_float##V(x))
#define AG_I32_TO_F64(V, x) (convert_long##V((x) == NA_INT) ? AG_NA_F64(V) : convert_double##V(x))
#define AG_BOOL_TO_F32      AG_I32_TO_F32
#define AG_BOOL_TO_F64      AG_I32_TO_F64

#define AG_F32_TO_I32(V, x) \
  (fabs(x) < (float##V)(2147483648.0f) ? convert_int##V(x) : (int##V)(NA_INT))
#define AG_F64_TO_I32(V, x) \
  (convert_int##V(fabs(x) < (double##V)(2147483648.0)) ? convert_int##V(x) : (int##V)(NA_INT))

#define AG_TRUTH(V, x)       ((x) != 0 ? (int##V)(1) : (int##V)(0))
#define AG_F32_TO_BOOL(V, x) ((x) != (x) ? (int##V)(NA_INT) : AG_TRUTH(V, x))
#define AG_F64_TO_BOOL(V, x) \
  (convert_int##V((x) != (x)) ? (int##V)(NA_INT) : AG_TRUTH(V, convert_int##V((x) != 0)))
#define AG_I32_TO_BOOL(V, x) ((x) == NA_INT ? (x) : AG_TRUTH(V, x))
#define AG_BOOL_TO_I32(V, x) (x)

#define AG_ROUNDED(V, x) (as_uint##V(x) + 0x7FFFu + (as_uint##V(x) >> 16 & 1u))
#define AG_IS_NAN(V, x)  ((as_uint##V(x) & 0x7FFFFFFFu) > 0x7F800000u)
#define AG_F32_TO_BF16(V, x) \
  convert_ushort##V((AG_IS_NAN(V, x) ? as_uint##V(x) | 0x400000u : AG_ROUNDED(V, x)) >> 16)
#define AG_BF16_TO_F32(V, x) as_float##V(convert_uint##V(x) << 16)
