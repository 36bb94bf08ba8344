// Which instruction sets this processor and operating system offer, and which BANTAM_ISA allows.
// Bits: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A, CPUID; AMX needs
// Linux's permission (Documentation/arch/x86/xstate.rst, torvalds/linux). Arm: Linux tells
// (Documentation/arch/arm64/elf_hwcaps.rst).
#include "kernels/detect.h"

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "kernels/gemm/fill.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace bantam::kernels {

namespace {

constexpr std::array<const char*, 5> kNames{"scalar", "avx2", "avx512", "amx", "neon"};
constexpr std::array<Isa, 5> kRows{Isa::scalar, Isa::avx2, Isa::avx512, Isa::amx, Isa::neon};

#if defined(__x86_64__)

constexpr bool bit(unsigned word, int index) { return (word >> index & 1u) != 0; }

// XCR0: the register states that the operating system saves.
std::uint64_t saved_states() {
  std::uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

bool linux_grants_tiles() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

Features detect() {
  Features f;
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !bit(ecx, 27)) return f;  // no xgetbv
  const bool fma = bit(ecx, 12), f16c = bit(ecx, 29), avx = bit(ecx, 28);
  const std::uint64_t saved = saved_states();
  const auto saves = [&](std::uint64_t states) { return (saved & states) == states; };
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return f;
  const unsigned ebx7 = ebx, ecx7 = ecx, edx7 = edx;
  const unsigned eax71 = __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) ? eax : 0;

  f.avx2 = avx && fma && f16c && bit(ebx7, 5) && saves(0x6);
  f.avx_vnni = f.avx2 && bit(eax71, 4);
  constexpr unsigned kFoundation = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
  f.avx512 = f.avx2 && (ebx7 & kFoundation) == kFoundation && saves(0xe6);
  f.avx512_vnni = f.avx512 && bit(ecx7, 11);
  f.avx512_bf16 = f.avx512 && bit(eax71, 5);
  const bool tiles = f.avx512 && bit(edx7, 24) && saves(0x60000) && linux_grants_tiles();
  f.amx_bf16 = tiles && bit(edx7, 22);
  f.amx_int8 = tiles && bit(edx7, 25);
  return f;
}

// An emulator, a hypervisor or a new processor may sum otherwise: then tiles are not used.
Features detect_and_check() {
  Features f = detect();
  if (f.amx_bf16 && !amx_agrees(kernels_with(Isa::avx512, f), kernels_with(Isa::amx, f)))
    f.amx_bf16 = f.amx_int8 = false;
  return f;
}

#else

Features detect_and_check() {
  Features f;
#if defined(__aarch64__)
  f.neon = true;
#if defined(__linux__)
  f.neon_dotprod = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
  f.neon_i8mm = f.neon_dotprod && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
#endif
#endif
  return f;
}

#endif

bool has(const Features& f, Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return true;
    case Isa::avx2:
      return f.avx2;
    case Isa::avx512:
      return f.avx512;
    case Isa::amx:
      return f.amx_bf16;
    case Isa::neon:
      return f.neon;
  }
  return false;
}

Isa highest(const Features& f) {
  Isa best = Isa::scalar;
  for (const Isa isa : kRows)
    if (has(f, isa)) best = isa;
  return best;
}

}  // namespace

const Features& cpu_features() {
  static const Features features = detect_and_check();
  return features;
}

const char* isa_name(Isa isa) { return kNames[static_cast<std::size_t>(isa)]; }

bool isa_available(Isa isa) { return has(cpu_features(), isa); }

Isa best_isa() {
  const char* wanted = std::getenv("BANTAM_ISA");
  if (wanted == nullptr || *wanted == '\0') return highest(cpu_features());
  for (const Isa isa : kRows) {
    if (std::string_view(wanted) != isa_name(isa)) continue;
    if (isa_available(isa)) return isa;
    throw Error("this machine has no " + std::string(wanted) + "; its highest is " +
                isa_name(highest(cpu_features())))
        .field("BANTAM_ISA");
  }
  throw Error("scalar, avx2, avx512, amx or neon was expected, not '" + printable(wanted) + "'")
      .field("BANTAM_ISA");
}

}  // namespace bantam::kernels
