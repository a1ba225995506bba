// Arrays as the bindings take them from Python: never copied, held while in use, refused in words.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>

#include "gruta/kernels/numpy.h"

namespace gruta {

// One axis as the documentation names it. An extent of kAny fits every array.
struct Axis {
    const char* symbol;
    std::int64_t extent;
};
constexpr std::int64_t kAny = -1;
using Axes = std::initializer_list<Axis>;

using ReadArray = nanobind::ndarray<nanobind::ro, nanobind::device::cpu>;
using WrittenArray = nanobind::ndarray<nanobind::device::cpu>;

// The cell's place in kCellNames; ValueError for another name.
int cell_index(const std::string& name);

// Whether numbers in memory have these axes.
bool fits(const Dense& dense, Axes axes);

// What a C-contiguous array holds, which `array` goes on holding; of NumPy's, or of another library
// that hands its memory over. These raise TypeError or ValueError with the argument, what was
// expected, what came, what to do.
Dense take_read(const char* name, nanobind::handle object, nanobind::dlpack::dtype dtype, Axes axes,
                ReadArray& array);
Dense take_written(const char* name, nanobind::handle object, nanobind::dlpack::dtype dtype,
                   Axes axes, WrittenArray& array);

// A C-contiguous array of Item with the given axes; of a const Item to read, else to write.
template <class Item>
class Argument {
    static constexpr bool reads = std::is_const_v<Item>;

  public:
    Argument(const char* name, nanobind::handle object, Axes axes) {
        constexpr auto dtype = nanobind::dtype<std::remove_const_t<Item>>();
        if (lies_dense(object, dtype, !reads, dense_) && fits(dense_, axes)) {
            numpy_ = nanobind::borrow(object);
        } else if constexpr (reads) {
            dense_ = take_read(name, object, dtype, axes, other_);
        } else {
            dense_ = take_written(name, object, dtype, axes, other_);
        }
    }

    Item* data() const { return static_cast<Item*>(dense_.data); }
    std::int64_t extent(std::size_t axis) const { return dense_.shape[axis]; }

  private:
    Dense dense_;
    nanobind::object numpy_;
    std::conditional_t<reads, ReadArray, WrittenArray> other_;
};

}  // namespace gruta
