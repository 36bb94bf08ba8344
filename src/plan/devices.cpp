// The rates are what such machines reach in practice, not what their data sheets say: about three
// quarters of the memory's rated bandwidth; arithmetic from clock, cores and width (two 128-bit
// pipes of SDOT and FMLA on Arm's middle cores, two of 256 bits with AVX2 on x86).
#include "plan/devices.h"

#include <algorithm>
#include <array>

namespace bantam::plan {

namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

constexpr std::array<Device, 6> kDevices{{
    {"pi5", "Raspberry Pi 5, 8 GB, 4 Cortex-A76 at 2.4 GHz", 4, 12e9, 0.60e12, 0.15e12, 0.09e9,
     7 * kGiB},
    {"phone", "a middling phone, 6 GB, 4 large cores", 4, 18e9, 0.70e12, 0.17e12, 0.7e9, 3 * kGiB},
    {"phone-fast", "a phone of the upper class, 12 GB, LPDDR5X", 4, 40e9, 1.6e12, 0.4e12, 2e9,
     7 * kGiB},
    {"4gb", "an old laptop, 4 GB, 2 cores with AVX2", 2, 10e9, 0.20e12, 0.10e12, 0.4e9,
     5 * kGiB / 2},
    {"8gb", "a laptop, 8 GB, 4 cores with AVX2, one memory channel", 4, 16e9, 0.45e12, 0.22e12, 1e9,
     6 * kGiB},
    {"laptop", "a newer laptop, 16 GB, 4 fast cores with VNNI, two channels", 4, 45e9, 1.6e12,
     0.42e12, 2.5e9, 13 * kGiB},
}};

}  // namespace

std::span<const Device> devices() { return kDevices; }

const Device* find_device(std::string_view name) {
  const auto found = std::ranges::find(kDevices, name, &Device::name);
  return found == kDevices.end() ? nullptr : &*found;
}

}  // namespace bantam::plan
