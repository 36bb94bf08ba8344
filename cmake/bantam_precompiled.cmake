# Headers that nearly every file reads, parsed once: building from nothing takes half the time.
# A file includes what it uses all the same (-DBANTAM_PRECOMPILE=OFF builds without).
option(BANTAM_PRECOMPILE "precompile common headers" ON)

set(BANTAM_COMMON_HEADERS
    <algorithm> <array> <atomic> <bit> <charconv> <chrono> <cmath> <condition_variable> <cstdint> <cstring>
    <filesystem> <functional> <map> <memory> <mutex> <optional> <set> <span> <sstream> <stdexcept> <string>
    <string_view> <thread> <tuple> <unordered_map> <utility> <variant> <vector> <nlohmann/json.hpp>)

# bantam_precompile(TARGET HOST header...): TARGET uses the headers that HOST has precompiled; HOST
# itself precompiles them. Targets of one host have the same compiler options.
function(bantam_precompile target host)
  if(NOT BANTAM_PRECOMPILE)
    return()
  endif()
  if(target STREQUAL host)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${host})
  endif()
endfunction()
