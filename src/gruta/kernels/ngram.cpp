#include "gruta/kernels/ngram.h"

#include <algorithm>
#include <stdexcept>

namespace gruta {

NGram::NGram(std::int64_t size, std::vector<NGramOrder> orders)
    : size_(size), orders_(std::move(orders)) {
    std::int64_t expected = 1;
    for (const NGramOrder& order : orders_) {
        bool whole = order.contexts == expected && order.first[0] == 0 &&
                     order.first[order.contexts] == order.run_count;
        for (std::int64_t c = 0; whole && c < order.contexts; ++c) {
            whole = order.first[c] <= order.first[c + 1];
            for (std::int64_t i = order.first[c]; whole && i < order.first[c + 1]; ++i) {
                const std::int64_t unit = order.runs[i] - c * (size_ + 1);
                whole = unit >= 0 && unit <= size_ && (i == 0 || order.runs[i - 1] < order.runs[i]);
            }
        }
        if (!whole) throw std::invalid_argument("orders must be those of one n-gram model");
        expected = order.run_count;
    }
}

bool NGram::has(const std::int64_t* places) const {
    for (std::size_t k = 0; k < orders_.size(); ++k) {
        if (places[k] < -1 || places[k] >= orders_[k].contexts) return false;
    }
    return true;
}

void NGram::next(const std::int64_t* places, double* likely) const {
    std::size_t known = 0;
    double left = 1;
    for (; known < orders_.size() && places[known] >= 0; ++known) {
        left *= orders_[known].left[places[known]];
    }
    std::fill_n(likely, size_, left / static_cast<double>(size_));
    double longer = 1;  // what all longer contexts leave
    for (std::size_t k = known; k-- > 0;) {
        const NGramOrder& order = orders_[k];
        const std::int64_t context = places[k];
        for (std::int64_t i = order.first[context]; i < order.first[context + 1]; ++i) {
            const std::int64_t unit = order.runs[i] - context * (size_ + 1);
            if (unit < size_) likely[unit] += longer * order.kept[i];
        }
        longer *= order.left[context];
    }
}

void NGram::move(std::int64_t* places, std::int64_t unit) const {
    std::int64_t before = places[0];
    for (std::size_t k = 1; k < orders_.size(); ++k) {
        const NGramOrder& order = orders_[k - 1];
        const std::int64_t context = before;
        before = places[k];
        places[k] = -1;
        if (context < 0) continue;
        const std::int64_t key = context * (size_ + 1) + unit;
        const std::int64_t *const first = order.runs + order.first[context],
                                  *const last = order.runs + order.first[context + 1];
        const std::int64_t* const found = std::lower_bound(first, last, key);
        if (found != last && *found == key) places[k] = found - order.runs;
    }
}

}  // namespace gruta
