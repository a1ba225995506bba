// Arrays as the bindings take them from Python: never copied, held while in use, refused in words.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>

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

// These raise TypeError or ValueError with the argument, what was expected, what came, what to do.
ReadArray take_read(const char* name, nanobind::handle object);
WrittenArray take_written(const char* name, nanobind::handle object);
void check(const char* name, const ReadArray& array, nanobind::dlpack::dtype dtype, Axes axes);

// A C-contiguous array of Item with the given axes; of a const Item to read, else to write.
template <class Item>
class Argument {
  public:
    Argument(const char* name, nanobind::handle object, Axes axes) {
        if constexpr (std::is_const_v<Item>) {
            array_ = take_read(name, object);
        } else {
            array_ = take_written(name, object);
        }
        check(name, ReadArray(array_), nanobind::dtype<std::remove_const_t<Item>>(), axes);
    }

    Item* data() const { return static_cast<Item*>(array_.data()); }
    std::int64_t extent(std::size_t axis) const {
        return static_cast<std::int64_t>(array_.shape(axis));
    }

  private:
    std::conditional_t<std::is_const_v<Item>, ReadArray, WrittenArray> array_;
};

}  // namespace gruta
