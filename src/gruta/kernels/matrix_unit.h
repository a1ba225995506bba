// The matrix unit's eight tiles, of 16 rows of 64 bytes: AMX, or the same numbers in plain
// operations.
#pragma once

#include "gruta/kernels/matrix.h"

namespace gruta::GRUTA_ISA {

#if defined(__AMX_BF16__)
// How many rows a tile has, and how many bytes are in each.
struct alignas(64) TileShapes {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t rows[16] = {};
};

struct MatrixUnit {
    static void shape(int rows) {
        TileShapes shapes;
        for (int tile = 0; tile < 8; ++tile) {
            shapes.row_bytes[tile] = 64;
            shapes.rows[tile] = static_cast<std::uint8_t>(tile == 7 ? 16 : rows);
        }
        __asm__ volatile("ldtilecfg %0" : : "m"(shapes));
    }
    static void release() { __asm__ volatile("tilerelease"); }

    template <int tile>
    static void load(const void* from, std::int64_t row_bytes) {
        __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2"
                         :
                         : "r"(from), "r"(row_bytes), "i"(tile)
                         : "memory");
    }
    template <int tile>
    static void store(void* to, std::int64_t row_bytes) {
        __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)"
                         :
                         : "r"(to), "r"(row_bytes), "i"(tile)
                         : "memory");
    }
    // Adds the products of the rows in tile 6 with the weights in tile 7.
    template <int tile>
    static void add() {
        __asm__ volatile("tdpbf16ps %%tmm7, %%tmm6, %%tmm%c0" : : "i"(tile));
    }
};
#else
struct MatrixUnit {
    static inline thread_local int rows;
    static inline thread_local float sums[6][kMatrixRows][kMatrixLanes];
    static inline thread_local std::uint16_t left[kMatrixRows][kMatrixDepth];
    static inline thread_local std::uint16_t right[kMatrixDepth / 2][kMatrixLanes][2];

    static void shape(int of_tiles) { rows = of_tiles; }
    static void release() {}

    static void copy(void* to, std::int64_t to_bytes, const void* from, std::int64_t from_bytes,
                     int count) {
        for (int row = 0; row < count; ++row) {
            __builtin_memcpy(static_cast<char*>(to) + row * to_bytes,
                             static_cast<const char*>(from) + row * from_bytes, 64);
        }
    }
    template <int tile>
    static void load(const void* from, std::int64_t row_bytes) {
        if constexpr (tile == 7) {
            copy(right, 64, from, row_bytes, 16);
        } else if constexpr (tile == 6) {
            copy(left, 64, from, row_bytes, rows);
        } else {
            copy(sums[tile], 64, from, row_bytes, rows);
        }
    }
    template <int tile>
    static void store(void* to, std::int64_t row_bytes) {
        copy(to, row_bytes, sums[tile], 64, rows);
    }

    // A number too small to be normal is 0.
    static float flushed(float v) {
        return v < 0x1p-126f && v > -0x1p-126f ? __builtin_copysignf(0, v) : v;
    }
    static float widened(std::uint16_t bits) {
        const std::uint32_t whole = static_cast<std::uint32_t>(bits) << 16;
        float v;
        __builtin_memcpy(&v, &whole, sizeof v);
        return flushed(v);
    }

    template <int tile>
    static void add() {
        for (int row = 0; row < rows; ++row) {
            for (int lane = 0; lane < kMatrixLanes; ++lane) {
                float chains[2] = {0, 0};
                for (int pair = 0; pair < kMatrixDepth / 2; ++pair) {
                    for (int i = 0; i < 2; ++i) {
                        chains[i] =
                            flushed(__builtin_fmaf(widened(left[row][2 * pair + i]),
                                                   widened(right[pair][lane][i]), chains[i]));
                    }
                }
                float& sum = sums[tile][row][lane];
                sum = flushed(flushed(sum) + flushed(chains[0] + chains[1]));
            }
        }
    }
};
#endif

}  // namespace gruta::GRUTA_ISA
