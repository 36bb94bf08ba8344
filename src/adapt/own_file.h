// bantam.json: what the forms of others have no place for, in a folder of theirs.
#pragma once

#include "base/file.h"
#include "base/json.h"
#include "base/rooms.h"

namespace bantam::adapt {

inline constexpr const char* kOwn = "bantam.json";

// An object; an empty one where there is no such file. Throws Error when it is no object.
Json read_own(const Path& folder);
void write_own(const Path& folder, const Json& own);

}  // namespace bantam::adapt
