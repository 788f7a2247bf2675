#pragma once

#include <cstdint>
#include <string_view>

namespace morph {

/// FNV-1a (Fowler, Noll, Vo), 64 bits, of `bytes` behind those that gave `hash`. Tells accidents,
/// not forgeries.
inline uint64_t fnv1a(std::string_view bytes, uint64_t hash = 0xCBF29CE484222325ULL) {
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001B3ULL;
  }
  return hash;
}

}  // namespace morph
