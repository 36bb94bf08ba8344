# bantam_tasks(TARGET FOLDER): the task files FOLDER/*.toml, as a table inside TARGET.
function(bantam_tasks target folder)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.toml)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(rows "")
  foreach(file ${files})
    get_filename_component(name ${file} NAME)
    file(READ ${file} text)
    string(APPEND rows "    {\"${name}\", R\"task(${text})task\"},\n")
  endforeach()
  set(text "// Made from ${folder} by cmake/bantam_tasks.cmake.
#include \"judge/embedded.h\"

namespace bantam::judge {
namespace {
constexpr EmbeddedTask kTaskFiles[] = {
${rows}};
}
std::span<const EmbeddedTask> embedded_tasks() { return kTaskFiles; }
}  // namespace bantam::judge
")
  set(out ${CMAKE_BINARY_DIR}/embedded_tasks.cpp)
  file(CONFIGURE OUTPUT ${out} CONTENT "${text}" @ONLY)
  target_sources(${target} PRIVATE ${out})
  set_source_files_properties(${out} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
