// The matrix unit: products of numbers in 16 bits against single sums, in plain operations and,
// where the CPU has it, to the same bits by itself; layers whose rows are rounded for it.
#include <algorithm>

#include "gruta/kernels/checks/pass.h"
#include "gruta/kernels/matrix.h"

// The unit in plain operations: CMakeLists.txt compiles it for these checks.
namespace gruta::plain {
extern const MatrixProducts matrix;
}

namespace gruta::checks {

namespace {

struct Case {
    int gates, panels, rows, terms;
    std::int64_t K[2];
    bool aside;

    std::string name() const {
        return std::to_string(gates) + " gates, " + std::to_string(panels) + " panels, " +
               std::to_string(rows) + " rows, " + std::to_string(K[0]) + " and " +
               std::to_string(terms == 2 ? K[1] : 0) + " numbers" + (aside ? ", one aside" : "");
    }
};

std::uint16_t upper_half(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<std::uint16_t>(bits >> 16);
}

float widened(std::uint16_t half) {
    const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// A term's arrays: rows [row][K, zeros up to a whole depth], weights [panel][word][G][lane][2].
struct TermArrays {
    std::int64_t K, row, panel;
    Array<std::uint16_t> rows, weights;

    TermArrays(const Case& of, std::int64_t count, Draw& draw)
        : K(count),
          row((count + kMatrixDepth - 1) / kMatrixDepth * kMatrixDepth),
          panel((count + 1) / 2 * of.gates * kMatrixLanes * 2),
          rows(static_cast<std::size_t>(row * of.rows)),
          weights(static_cast<std::size_t>(panel * of.panels)) {
        const auto any = [&] { return upper_half(static_cast<float>(draw.between(-1, 1))); };
        for (std::int64_t i = 0; i < row * of.rows; ++i) {
            rows[static_cast<std::size_t>(i)] = i % row < K ? any() : std::uint16_t{0};
        }
        for (std::int64_t i = 0; i < panel * of.panels; ++i) {
            const std::int64_t k = i / (of.gates * kMatrixLanes * 2) % ((K + 1) / 2) * 2 + i % 2;
            weights[static_cast<std::size_t>(i)] = k < K ? any() : std::uint16_t{0};
        }
    }

    double sum(const Case& of, int r, int p, int g, std::int64_t lane) const {
        double found = 0;
        for (std::int64_t k = 0; k < K; ++k) {
            const std::int64_t at =
                p * panel + ((k / 2 * of.gates + g) * kMatrixLanes + lane) * 2 + k % 2;
            found += static_cast<double>(widened(rows[static_cast<std::size_t>(r * row + k)])) *
                     static_cast<double>(widened(weights[static_cast<std::size_t>(at)]));
        }
        return found;
    }

    MatrixTerm term() const { return {rows.data(), row * 2, weights.data(), panel * 2, K}; }
};

struct Found {
    Array<float> sums, aside;
};

Found run(const MatrixProducts& products, const Case& of, const std::vector<TermArrays>& terms,
          const Array<float>& start, const Array<float>& apart) {
    const auto items = static_cast<std::size_t>(of.panels * of.rows * kMatrixLanes);
    Found found = {Array<float>(items * static_cast<std::size_t>(of.gates)), Array<float>(items)};
    const std::int64_t width = of.gates * kMatrixLanes;
    MatrixTile tile = {
        of.rows,      of.panels,        start.data(), of.panels * width,
        width,        of.terms,         {},           of.aside ? found.aside.data() : nullptr,
        apart.data(), found.sums.data()};
    for (int i = 0; i < of.terms; ++i) tile.terms[i] = terms[static_cast<std::size_t>(i)].term();
    products.of_gates[of.gates - 1](tile);
    products.release();
    return found;
}

void check_products(Report& report, const Case& of) {
    Draw draw(static_cast<std::uint64_t>(of.gates * 1000 + of.rows * 10 + of.panels));
    std::vector<TermArrays> terms;
    for (int i = 0; i < of.terms; ++i) terms.emplace_back(of, of.K[i], draw);
    const std::int64_t width = of.gates * kMatrixLanes;
    Array<float> start(static_cast<std::size_t>(of.rows * of.panels * width));
    Array<float> apart(static_cast<std::size_t>(of.panels * kMatrixLanes));
    for (const Array<float>* const array : {&start, &apart}) {
        for (std::size_t i = 0; i < array->size(); ++i) {
            (*array)[i] = static_cast<float>(draw.between(-1, 1));
        }
    }
    const Found found = run(plain::matrix, of, terms, start, apart);
    double worst = 0;
    for (int p = 0; p < of.panels; ++p) {
        for (int r = 0; r < of.rows; ++r) {
            for (int g = 0; g < of.gates; ++g) {
                for (std::int64_t lane = 0; lane < kMatrixLanes; ++lane) {
                    const std::int64_t item = (p * of.rows + r) * kMatrixLanes + lane;
                    const std::int64_t from = (r * of.panels + p) * width + g * kMatrixLanes + lane;
                    double before = start[static_cast<std::size_t>(from)];
                    for (int i = 0; i < of.terms; ++i) {
                        if (of.aside && g + 1 == of.gates && i + 1 == of.terms) {
                            const double put = found.aside[static_cast<std::size_t>(item)];
                            worst = std::max(worst, std::abs(put - before));
                            before = apart[static_cast<std::size_t>(p * kMatrixLanes + lane)];
                        }
                        before += terms[static_cast<std::size_t>(i)].sum(of, r, p, g, lane);
                    }
                    const std::int64_t at = g * of.panels * of.rows * kMatrixLanes + item;
                    worst = std::max(worst,
                                     std::abs(found.sums[static_cast<std::size_t>(at)] - before));
                }
            }
        }
    }
    report.check(worst < 1e-5, "matrix unit, " + of.name() + ": off by " + std::to_string(worst));
    report.check(found.sums.is_intact() && found.aside.is_intact(),
                 "matrix unit, " + of.name() + ": wrote outside of the sums");
    if (isa().matrix == nullptr) return;
    const Found own = run(*isa().matrix, of, terms, start, apart);
    const auto same = [](const Array<float>& a, const Array<float>& b) {
        return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
    };
    report.check(same(own.sums, found.sums) && (!of.aside || same(own.aside, found.aside)),
                 "matrix unit, " + of.name() + ": other bits than in plain operations");
    report.check(own.sums.is_intact() && own.aside.is_intact(),
                 "matrix unit, " + of.name() + ": the CPU's wrote outside of the sums");
}

// Layers by the unit, or as it computes: near what weights in bfloat16 alone give, to the same bits
// however the work is shared, and of a row alone.
void check_cell(Report& report, int cell, int index) {
    constexpr Shape kShapes[] = {{5, 6, 7, 33, 33}, {1, 12, 3, 70, 70}, {37, 3, 40, 20, 20}};
    Problem problem;
    problem.cell = cell;
    problem.shape = kShapes[index];
    if (cell == kLstm && index == 1) problem.shape.P = 11;
    problem.has_lengths = problem.has_reset = problem.has_restart = true;
    problem.reverse = index == 1;
    problem.seed = static_cast<std::uint64_t>(9000 + 10 * cell + index);
    const Inputs in = draw_inputs<float>(problem);
    const std::string what = "matrix unit, " + problem.name();
    const ForwardKernels<float>& kernels = isa().kernels->bfloat16->cell[cell];
    const auto pass_by = [&](const MatrixProducts* unit, const Plan& plan) {
        matrix_products = unit;
        Pass<float> pass(problem, in, Placing{});
        call_forward(kernels, problem, {&pass}, plan);
        pass.check_intact(report, what);
        return pass;
    };
    const Pass<float> first = pass_by(&plain::matrix, Plan{});
    first.compare(report, what, forward(problem, in), 4e-2);
    for (const Plan& plan : {Plan{1, 2, false}, Plan{1, 3, true}}) {
        pass_by(&plain::matrix, plan).check_same(report, what, first, false);
    }
    if (isa().matrix != nullptr) {
        pass_by(isa().matrix, Plan{}).check_same(report, what + " by the CPU's", first, false);
    }
    matrix_products = &plain::matrix;
    for (std::int64_t b = 0; b < problem.shape.B; ++b) {
        const Problem one = row_of(problem);
        Pass<float> alone(one, row_of(problem, in, b), Placing{});
        call_forward(kernels, one, {&alone}, Plan{});
        first.check_row(report, what, alone, b, false);
    }
}

}  // namespace

void check_matrix(Report& report, Effort) {
    for (int gates = 1; gates <= 4; ++gates) {
        for (const int panels : {1, 2, 4}) {
            for (const int rows : {1, 2, 15, 16, 17, 31, 32}) {
                check_products(report, {gates, panels, rows, 1, {rows + 31, 0}, false});
                check_products(report, {gates, panels, rows, 2, {1, 64}, gates == 3});
                check_products(report, {gates, panels, rows, 2, {32, 2 * rows + 1}, gates == 3});
            }
        }
    }
    // Only vectors as wide as the unit's rows have layers for it.
    if (isa().vector_bytes != kMatrixLanes * 4) return;
    const MatrixProducts* const own = matrix_products;
    for (int cell = 0; cell < kCellCount; ++cell) {
        for (int index = 0; index < 3; ++index) check_cell(report, cell, index);
    }
    matrix_products = own;
}

}  // namespace gruta::checks
