// What every function of the C interface does: no exception leaves it, its error becomes a status
// and a text, what the caller gave is checked before it is used.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "bantam/bantam.h"
#include "base/error.h"

namespace bantam::api {

// The call itself is wrong.
inline Error misuse(const std::string& message) { return Error(message, Error::Kind::usage); }

// Puts the text into the caller's error, cut before a character that does not fit. Takes no memory.
inline void say(bantam_error* error, std::string_view text) noexcept {
  if (error == nullptr) return;
  std::size_t size = std::min(text.size(), sizeof error->message - 1);
  if (size < text.size())
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  std::memcpy(error->message, text.data(), size);
  error->message[size] = '\0';
}

// Runs body(), which returns a status or throws.
template <class Body>
bantam_status call(bantam_error* error, Body&& body) noexcept {
  say(error, "");
  try {
    const bantam_status status = body();
    return status;
  } catch (const Error& e) {
    say(error, e.what());
    return e.kind() == Error::Kind::usage ? BANTAM_MISUSE : BANTAM_FAILED;
  } catch (const std::bad_alloc&) {
    say(error, "the system has not enough memory for this");
    return BANTAM_NO_MEMORY;
  } catch (const std::exception& e) {
    say(error, e.what());
  } catch (...) {
    say(error, "an unknown fault");
  }
  return BANTAM_FAILED;
}

inline void need(const void* pointer, const char* name) {
  if (pointer == nullptr) throw misuse(std::string(name) + " is NULL");
}

// An array of the caller's: NULL is one of no elements.
template <class T>
void check_array(const T* array, std::size_t count, const char* name) {
  if (count > 0) need(array, name);
  if (count > static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T))
    throw misuse("a count of " + std::to_string(count) + " is more than " + name + " can have");
}

inline void check_flags(int flags, int known) {
  if ((flags & ~known) != 0) throw misuse("flags has a bit that means nothing here");
}

// A structure's size says which version of it the caller was compiled with: the smallest is that of
// the first.
template <class T>
std::size_t checked_size(std::size_t size, std::size_t first, const char* name) {
  if (size >= first && size <= sizeof(T)) return size;
  throw misuse(std::string(name) + ".size is " + std::to_string(size) + ", not " +
               std::to_string(sizeof(T)) +
               (size > sizeof(T) ? ": the program was compiled for a newer libbantam" : ""));
}

// The caller's options over the defaults, which stand for what it does not know of.
template <class T>
T with_defaults(const T* given, T defaults, std::size_t first, const char* name) {
  if (given == nullptr) return defaults;
  std::memcpy(&defaults, given, checked_size<T>(given->size, first, name));
  return defaults;
}

// Writes what the caller's structure has room for.
template <class T>
void give(T* to, T value, std::size_t first, const char* name) {
  value.size = to->size;
  std::memcpy(to, &value, checked_size<T>(to->size, first, name));
}

inline bantam_status too_small(bantam_error* error, std::size_t needed, std::size_t capacity) {
  say(error, "the buffer is too small: it holds " + std::to_string(capacity) + ", " +
                 std::to_string(needed) + " are needed");
  return BANTAM_TOO_SMALL;
}

// A whole result into the caller's buffer, or nothing. `size` is told in any case.
template <class T>
bantam_status give_all(std::span<const T> what, T* to, std::size_t capacity, std::size_t* size,
                       bantam_error* error) {
  *size = what.size();
  if (what.size() > capacity) return too_small(error, what.size(), capacity);
  std::copy(what.begin(), what.end(), to);
  return BANTAM_OK;
}

}  // namespace bantam::api
