#include "gruta/kernels/packs.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <list>
#include <mutex>
#include <new>
#include <utility>

namespace gruta {

namespace {

constexpr std::size_t kMostBytes = 128 << 20;  // of all that is kept, copies included

// A run of the weights' memory.
struct Span {
    const void* data;
    std::size_t bytes;

    bool operator==(const Span&) const = default;
};

using Spans = std::array<Span, 5 + kNormParts>;

// Which weights, for which kernels.
struct Key {
    const void* kernels;
    std::int64_t I, H, P;
    Spans spans;

    bool operator==(const Key&) const = default;
};

template <class Real>
Spans spans_of(const Shape& shape, const Weights<Real>& w, int gates) {
    const auto bytes = [](std::int64_t rows, std::int64_t columns, const Real* data) {
        const auto count = static_cast<std::size_t>(rows * columns);
        return Span{data, data == nullptr ? 0 : count * sizeof(Real)};
    };
    const std::int64_t rows = gates * shape.H;
    Spans spans = {bytes(rows, shape.I, w.w_ih), bytes(rows, shape.P, w.w_hh),
                   bytes(rows, 1, w.b_ih), bytes(rows, 1, w.b_hh), bytes(shape.P, shape.H, w.w_hr)};
    for (int i = 0; i < kNormParts; ++i) spans[5 + i] = bytes(rows, 1, w.norm[i]);
    return spans;
}

struct Pack {
    Key key;
    Memory copy, packed;
    std::size_t bytes;

    bool is_current() const {
        const auto* at = static_cast<const std::byte*>(copy.data());
        for (const Span& span : key.spans) {
            if (span.bytes > 0 && std::memcmp(at, span.data, span.bytes) != 0) return false;
            at += span.bytes;
        }
        return true;
    }
};

std::shared_ptr<const Memory> packed_of(const std::shared_ptr<const Pack>& pack) {
    return {pack, &pack->packed};
}

// The latest used first. Who finds them locked does without: in the child of a fork they may stay
// locked for ever. Never destroyed: a thread may still look when the process ends.
std::mutex mutex;
auto& packs = *new std::list<std::shared_ptr<const Pack>>;

std::shared_ptr<const Pack> find(const Key& key) {
    const std::unique_lock lock(mutex, std::try_to_lock);
    if (!lock) return nullptr;
    for (auto it = packs.begin(); it != packs.end(); ++it) {
        if ((*it)->key != key) continue;
        packs.splice(packs.begin(), packs, it);
        return packs.front();
    }
    return nullptr;
}

void keep(const std::shared_ptr<const Pack>& fresh) {
    const std::unique_lock lock(mutex, std::try_to_lock);
    if (!lock) return;
    packs.remove_if([&](const auto& old) { return old->key == fresh->key; });
    packs.push_front(fresh);
    std::size_t bytes = 0;
    packs.remove_if([&](const auto& pack) { return (bytes += pack->bytes) > kMostBytes; });
}

// The weights as they stand in a copy.
template <class Real>
Weights<Real> weights_in(const Memory& copy, const Spans& spans) {
    Weights<Real> found = {};
    const auto* at = static_cast<const std::byte*>(copy.data());
    const Real** const places[] = {&found.w_ih,    &found.w_hh,    &found.b_ih,
                                   &found.b_hh,    &found.w_hr,    &found.norm[0],
                                   &found.norm[1], &found.norm[2], &found.norm[3]};
    static_assert(std::size(places) == std::tuple_size_v<Spans>);
    for (std::size_t i = 0; i < spans.size(); ++i) {
        if (spans[i].data != nullptr) *places[i] = reinterpret_cast<const Real*>(at);
        at += spans[i].bytes;
    }
    return found;
}

template <class Real>
std::shared_ptr<const Pack> fresh_pack(const ForwardKernels<Real>& kernels, const Shape& shape,
                                       const Key& key, std::size_t copy_bytes,
                                       std::size_t packed_bytes) {
    Memory copy(copy_bytes);
    auto* at = static_cast<std::byte*>(copy.data());
    for (const Span& span : key.spans) {
        if (span.bytes > 0) std::memcpy(at, span.data, span.bytes);
        at += span.bytes;
    }
    // Out of the copy: should somebody write to the weights meanwhile, the two still agree.
    Memory packed = pack(kernels, shape, weights_in<Real>(copy, key.spans));
    return std::make_shared<const Pack>(
        Pack{key, std::move(copy), std::move(packed), copy_bytes + packed_bytes});
}

}  // namespace

template <class Real>
std::shared_ptr<const Memory> kept_pack(const ForwardKernels<Real>& kernels, const Shape& shape,
                                        const Weights<Real>& weights, int gates) {
    const std::size_t packed_bytes = kernels.packed_bytes(shape);
    if (packed_bytes >= PTRDIFF_MAX) throw std::bad_alloc();  // before sizes are multiplied
    const Key key = {&kernels, shape.I, shape.H, shape.P, spans_of(shape, weights, gates)};
    std::size_t copy_bytes = 0;
    for (const Span& span : key.spans) copy_bytes += span.bytes;
    if (copy_bytes + packed_bytes > kMostBytes) {
        return std::make_shared<const Memory>(pack(kernels, shape, weights));
    }
    if (const auto found = find(key); found != nullptr && found->is_current()) {
        return packed_of(found);
    }
    const auto fresh = fresh_pack(kernels, shape, key, copy_bytes, packed_bytes);
    keep(fresh);
    return packed_of(fresh);
}

template std::shared_ptr<const Memory> kept_pack(const ForwardKernels<float>&, const Shape&,
                                                 const Weights<float>&, int);
template std::shared_ptr<const Memory> kept_pack(const ForwardKernels<double>&, const Shape&,
                                                 const Weights<double>&, int);

}  // namespace gruta
