// Where a convolution's window reads.
#pragma once
#include "common.cuh"

// Sizes fit in 32 bits, whose divisions are quick.
struct Window {
  int size[3], count[3], kernel[3], stride[3], padding[3], dilation[3];
  int volume, positions, taps;
  // The place in x that position `pos` reads through `tap`, or -1 where that is padding.
  DEVICE int place(int pos, int tap) const {
    const int k2 = tap % kernel[2], k01 = tap / kernel[2], k1 = k01 % kernel[1], k0 = k01 / kernel[1];
    const int p2 = pos % count[2], p01 = pos / count[2], p1 = p01 % count[1], p0 = p01 / count[1];
    const int z = p0 * stride[0] - padding[0] + k0 * dilation[0], h = p1 * stride[1] - padding[1] + k1 * dilation[1];
    const int w = p2 * stride[2] - padding[2] + k2 * dilation[2];
    if (z < 0 || z >= size[0] || h < 0 || h >= size[1] || w < 0 || w >= size[2]) return -1;
    return (z * size[1] + h) * size[2] + w;
  }
  // The position that reads `place` through `tap`, or -1 where none does.
  DEVICE int position(int place, int tap) const {
    const int k2 = tap % kernel[2], k01 = tap / kernel[2], k1 = k01 % kernel[1], k0 = k01 / kernel[1];
    const int w = place % size[2] + padding[2] - k2 * dilation[2], zh = place / size[2];
    const int h = zh % size[1] + padding[1] - k1 * dilation[1], z = zh / size[1] + padding[0] - k0 * dilation[0];
    if (z < 0 || h < 0 || w < 0 || z % stride[0] || h % stride[1] || w % stride[2]) return -1;
    const int p0 = z / stride[0], p1 = h / stride[1], p2 = w / stride[2];
    if (p0 >= count[0] || p1 >= count[1] || p2 >= count[2]) return -1;
    return (p0 * count[1] + p1) * count[2] + p2;
  }
};

// float32 convolution by the tiles of matrix products: of x [batch * groups, depth, in] and weights [groups, rows, depth, taps],
// whose elements lie rowStep, depthStep and 1 apart, to y [batch * groups, rows, out]; `backward` where `in` are the window's
// positions and `out` its places, else the other way round. bias [groups * rows] may be left out. False, and nothing done, when
// the tiles are not made for it.
bool tiledConvolution(float* y, const float* x, const float* weight, const float* bias, const Window& w, bool backward, Size batch,
                      Size groups, Size rows, Size depth, Size rowStep, Size depthStep);
// The same of the weights' gradient: dy [batch * groups, outputs, positions] and x [batch * groups, channels, volume] to dw
// [groups, outputs, channels, taps].
bool tiledWeightGradient(float* dw, const float* dy, const float* x, const Window& w, Size batch, Size groups, Size outputs, Size channels);
