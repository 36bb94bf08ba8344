// A report as one page for a browser: no network, no script, light and dark.
#pragma once

#include <string>

#include "base/json.h"

namespace bantam::judge {

// `report`: what `bantam eval` wrote.
std::string report_page(const Json& report);

}  // namespace bantam::judge
