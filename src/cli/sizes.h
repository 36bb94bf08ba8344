// Sizes as people write them on a command line: 800MB, 1.5G, 512MiB.
#pragma once

#include <cstdint>
#include <string>

namespace bantam::cli {

// "3GB", "1.5 G", "800mb", "512MiB" or "100000" as bytes: K, M, G and T are thousands, with an i they
// are 1,024 times one another; the case does not count. Throws Error (usage) that names the option for
// what is none, or less than `least`.
std::int64_t parse_bytes(const std::string& text, const std::string& option, std::int64_t least = 1);

}  // namespace bantam::cli
