/* Conversions between float and the narrow floating-point formats, bit-exact on every machine.
 * Rounding is to nearest, ties to even; IEEE 754-2008 binary16, bfloat16, OCP 8-bit formats
 * (OFP8 1.0). */
#ifndef BASE_HALF_H
#define BASE_HALF_H

#include <stddef.h>
#include <stdint.h>

float f16_to_f32(uint16_t h);
uint16_t f32_to_f16(float f);  /* overflow gives infinity, NaN stays NaN */
uint16_t f64_to_f16(double d); /* one rounding */
float bf16_to_f32(uint16_t b);
uint16_t f32_to_bf16(float f);
uint16_t f64_to_bf16(double d);
float f8e4m3_to_f32(uint8_t v);
uint8_t f64_to_f8e4m3(double d);    /* overflow gives NaN (0x7f | sign) */
uint8_t f32_to_f8e4m3_sat(float f); /* overflow gives the largest finite value */
float f8e5m2_to_f32(uint8_t v);
uint8_t f64_to_f8e5m2(double d); /* overflow gives infinity */
uint8_t f32_to_f8e5m2_sat(float f);
/* Arrays; neither end need be aligned. */
void f16_to_f32_n(void *dst, const void *src, size_t n);
void f32_to_f16_n(void *dst, const void *src, size_t n);
/* Rounds each element to the nearest value or one of its two neighbours, so that the errors of a
 * run add up to nearly nothing (error diffusion, Floyd and Steinberg 1976, along a line): a sum of
 * products with inputs of one sign keeps its value. What f16 can hold stays as it is, zeros too.
 * carry is the error left by the elements before, 0 at first; returns the one left now. */
double f32_to_f16_diffuse(void *dst, const void *src, size_t n, double carry);

#endif
