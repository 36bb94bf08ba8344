#include "files/gguf_types.h"

#include <algorithm>
#include <array>

namespace bantam::files {

namespace {

constexpr std::array kTypes{
    GgufType{0, "F32", 1, 4},         GgufType{1, "F16", 1, 2},
    GgufType{2, "Q4_0", 32, 18},      GgufType{3, "Q4_1", 32, 20},
    GgufType{6, "Q5_0", 32, 22},      GgufType{7, "Q5_1", 32, 24},
    GgufType{8, "Q8_0", 32, 34},      GgufType{9, "Q8_1", 32, 36},
    GgufType{10, "Q2_K", 256, 84},    GgufType{11, "Q3_K", 256, 110},
    GgufType{12, "Q4_K", 256, 144},   GgufType{13, "Q5_K", 256, 176},
    GgufType{14, "Q6_K", 256, 210},   GgufType{15, "Q8_K", 256, 292},
    GgufType{16, "IQ2_XXS", 256, 66}, GgufType{17, "IQ2_XS", 256, 74},
    GgufType{18, "IQ3_XXS", 256, 98}, GgufType{19, "IQ1_S", 256, 50},
    GgufType{20, "IQ4_NL", 32, 18},   GgufType{21, "IQ3_S", 256, 110},
    GgufType{22, "IQ2_S", 256, 82},   GgufType{23, "IQ4_XS", 256, 136},
    GgufType{24, "I8", 1, 1},         GgufType{25, "I16", 1, 2},
    GgufType{26, "I32", 1, 4},        GgufType{27, "I64", 1, 8},
    GgufType{28, "F64", 1, 8},        GgufType{29, "IQ1_M", 256, 56},
    GgufType{30, "BF16", 1, 2},       GgufType{34, "TQ1_0", 256, 54},
    GgufType{35, "TQ2_0", 256, 66},   GgufType{39, "MXFP4", 32, 17},
    GgufType{40, "NVFP4", 64, 36},    GgufType{41, "Q1_0", 128, 18},
    GgufType{42, "Q2_0", 64, 18},
};

// Taken out of the format again; their layouts are no longer known to anyone's reader.
struct Removed {
  std::uint32_t id;
  std::string_view name;
};
constexpr std::array kRemoved{
    Removed{4, "Q4_2"},        Removed{5, "Q4_3"},        Removed{31, "Q4_0_4_4"},
    Removed{32, "Q4_0_4_8"},   Removed{33, "Q4_0_8_8"},   Removed{36, "IQ4_NL_4_4"},
    Removed{37, "IQ4_NL_4_8"}, Removed{38, "IQ4_NL_8_8"},
};

struct Value {
  std::string_view name;
  std::uint32_t bytes;
};
constexpr std::array<Value, kGgufValues> kValues{{{"u8", 1},
                                                  {"i8", 1},
                                                  {"u16", 2},
                                                  {"i16", 2},
                                                  {"u32", 4},
                                                  {"i32", 4},
                                                  {"f32", 4},
                                                  {"bool", 1},
                                                  {"str", 0},
                                                  {"arr", 0},
                                                  {"u64", 8},
                                                  {"i64", 8},
                                                  {"f64", 8}}};

template <class Predicate>
const GgufType* find_if(Predicate wanted) {
  const auto found = std::ranges::find_if(kTypes, wanted);
  return found == kTypes.end() ? nullptr : &*found;
}

}  // namespace

const GgufType* find_gguf_type(std::uint32_t id) {
  return find_if([id](const GgufType& type) { return type.id == id; });
}

const GgufType* find_gguf_type(std::string_view name) {
  return find_if([name](const GgufType& type) { return type.name == name; });
}

std::string_view removed_gguf_type(std::uint32_t id) {
  for (const Removed& type : kRemoved)
    if (type.id == id) return type.name;
  return "";
}

std::string_view gguf_value_name(GgufValue type) {
  return kValues[static_cast<std::size_t>(type)].name;
}

std::uint32_t gguf_value_bytes(GgufValue type) {
  return kValues[static_cast<std::size_t>(type)].bytes;
}

}  // namespace bantam::files
