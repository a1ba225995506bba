// A linear layer: rows times packed weights, and a bias.
#pragma once

#include "gruta/kernels/arena.h"
#include "gruta/kernels/layer.h"
#include "gruta/kernels/pack.h"

namespace gruta::GRUTA_ISA {

template <class Weight, class Real = typename RealOf<Weight>::Real>
struct DenseOf {
    static constexpr Index W = kLanes<Real>;

    struct Parts {
        void* weights;  // [panel][K][1][lane]
        Real* bias;     // [panel][lane]
        std::size_t bytes;
    };

    static Parts cut(Index outputs, Index inputs, const void* packed) {
        const Index panels = panel_count<Real>(outputs);
        Arena arena(packed);
        Parts parts = {};
        parts.weights = arena.take<unsigned char>(panels, storage<Weight>().count(inputs),
                                                  W * static_cast<Index>(sizeof(Weight)));
        parts.bias = arena.take<Real>(panels, W);
        parts.bytes = arena.bytes();
        return parts;
    }

    static std::size_t packed_bytes(Index outputs, Index inputs) {
        return cut(outputs, inputs, nullptr).bytes;
    }

    static void pack(Index outputs, Index inputs, const Real* weights, const Real* bias,
                     void* packed) {
        const Parts parts = cut(outputs, inputs, packed);
        storage<Weight>().pack(weights, outputs, inputs, in_order(1), nullptr, parts.weights);
        const Index lanes = panel_count<Real>(outputs) * W;
        for (Index i = 0; i < lanes; ++i) parts.bias[i] = i < outputs ? bias[i] : 0;
    }

    static void run(Index outputs, Index inputs, const void* packed, Index rows, const Real* x,
                    Real* y) {
        const Storage<Real>& stored = storage<Weight>();
        const Parts parts = cut(outputs, inputs, packed);
        const Term<Real> term = {
            {1, inputs, 0}, parts.weights, stored.count(inputs) * W, {nullptr, x, inputs}};
        const Product<Real> product = {{parts.bias, 0, W}, 1, {term}};
        multiply<1>(stored, {0, rows}, {0, panel_count<Real>(outputs)}, product,
                    [&](const Tile& tile, const Vec<Real>* sums) {
                        tile.each([&](Index item, Index i, Index panel) {
                            store(y + i * outputs + panel * W, sums[item],
                                  panel_width<Real>(outputs, panel));
                        });
                    });
    }

    static constexpr DenseKernels<Real> kernels = {packed_bytes, pack, run};
};

}  // namespace gruta::GRUTA_ISA
