#include <utility>

#include "gruta/kernels/matrix_unit.h"

namespace gruta::GRUTA_ISA {
namespace {

// f(0), f(1), … with each number known while compiling.
template <class F, int... i>
[[gnu::always_inline]] inline void each_of(std::integer_sequence<int, i...>, const F& f) {
    (f(std::integral_constant<int, i>()), ...);
}
template <int count, class F>
[[gnu::always_inline]] inline void each(const F& f) {
    each_of(std::make_integer_sequence<int, count>(), f);
}

constexpr std::int64_t kRow = 64;  // bytes of a tile's row

// Some columns of a tile, one a panel and gate, of which the unit takes N at once, and of the rows
// B times as many as it takes at once. Sums stand in its tiles from 0 on, [rows][column].
template <int G, int B, int N>
struct Columns {
    static_assert(B * N <= 6);

    const MatrixTile& tile;
    int row, column;  // the first ones

    int panel(int n) const { return (column + n) / G; }
    int gate(int n) const { return (column + n) % G; }
    bool is_aside(int n) const { return G == 3 && tile.aside != nullptr && gate(n) == G - 1; }
    static std::int64_t row_of(int b) { return b * std::int64_t{kMatrixRows}; }

    // Where a panel of an array [panel][row][lane] begins.
    float* in(float* array, std::int64_t panel_of) const {
        return array + (panel_of * tile.rows + row) * kMatrixLanes;
    }

    // f(b, n, the tile of both).
    template <class F>
    static void each_sum(const F& f) {
        each<B>([&](auto b) {
            each<N>([&](auto n) { f(b, n, std::integral_constant<int, b * N + n>()); });
        });
    }

    void run() const {
        each_sum([&](auto b, auto n, auto at) {
            const float* const from = tile.start + (row + row_of(b)) * tile.start_row +
                                      panel(n) * tile.start_panel + gate(n) * kMatrixLanes;
            MatrixUnit::load<at>(from, tile.start_row * 4);
        });
        for (int i = 0; i < tile.count; ++i) {
            if (i + 1 == tile.count) put_aside();
            add_term(tile.terms[i]);
        }
        each_sum([&](auto b, auto n, auto at) {
            float* const to = in(tile.found, gate(n) * tile.panels + panel(n));
            MatrixUnit::store<at>(to + row_of(b) * kMatrixLanes, kRow);
        });
    }

    void put_aside() const {
        each_sum([&](auto b, auto n, auto at) {
            if (!is_aside(n)) return;
            MatrixUnit::store<at>(in(tile.aside, panel(n)) + row_of(b) * kMatrixLanes, kRow);
            MatrixUnit::load<at>(tile.apart + panel(n) * kMatrixLanes, 0);
        });
    }

    void add_term(const MatrixTerm& term) const {
        const auto* x = static_cast<const char*>(term.rows) + row * term.row_bytes;
        const char* weights[N];
        each<N>([&](auto n) {
            weights[n] = static_cast<const char*>(term.weights) + panel(n) * term.panel_bytes +
                         gate(n) * kRow;
        });
        const auto add = [&](const auto& load_weights) {
            each<B>([&](auto b) {
                MatrixUnit::load<6>(x + row_of(b) * term.row_bytes, term.row_bytes);
                each<N>([&](auto n) {
                    load_weights(n);
                    MatrixUnit::add<b * N + n>();
                });
            });
            x += kRow;
        };
        std::int64_t k = 0;
        for (; k + kMatrixDepth <= term.K; k += kMatrixDepth) {
            add([&](auto n) { MatrixUnit::load<7>(weights[n], G * kRow); });
            each<N>([&](auto n) { weights[n] += kMatrixDepth / 2 * G * kRow; });
        }
        if (k == term.K) return;
        alignas(64) char rest[N][16 * kRow] = {};
        for (std::int64_t word = 0; word < (term.K - k + 1) / 2; ++word) {
            each<N>([&](auto n) {
                __builtin_memcpy(rest[n] + word * kRow, weights[n] + word * G * kRow, kRow);
            });
        }
        add([&](auto n) { MatrixUnit::load<7>(rest[n], kRow); });
    }
};

thread_local int shaped = 0;  // rows of this thread's tiles

// All columns of the rows from `row` on, of which there are B times as many as the unit takes.
template <int G, int B, int N>
void multiply_rows(const MatrixTile& tile, int row, int column = 0) {
    const int columns = G * tile.panels;
    for (; column + N <= columns; column += N) Columns<G, B, N>{tile, row, column}.run();
    if constexpr (N > 1) multiply_rows<G, B, N == 6 ? 4 : N / 2>(tile, row, column);
}

void shape(int rows) {
    if (shaped != rows) MatrixUnit::shape(shaped = rows);
}

template <int G>
void multiply_tile(const MatrixTile& tile) {
    // As many sums under way as hide how long one takes.
    constexpr int alone = 6, of_two = G == 3 ? 3 : 2;
    int row = 0;
    if (tile.rows >= kMatrixRows) shape(kMatrixRows);
    for (; row + 2 * kMatrixRows <= tile.rows; row += 2 * kMatrixRows) {
        multiply_rows<G, 2, of_two>(tile, row);
    }
    for (; row + kMatrixRows <= tile.rows; row += kMatrixRows) {
        multiply_rows<G, 1, alone>(tile, row);
    }
    if (row == tile.rows) return;
    shape(tile.rows - row);
    multiply_rows<G, 1, alone>(tile, row);
}

void release() {
    MatrixUnit::release();
    shaped = 0;
}

}  // namespace

extern const MatrixProducts matrix;
constinit const MatrixProducts matrix = {
    {multiply_tile<1>, multiply_tile<2>, multiply_tile<3>, multiply_tile<4>}, release};

}  // namespace gruta::GRUTA_ISA
