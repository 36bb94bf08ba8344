// Several answers to one prompt, which is read once.
#pragma once

#include <span>

#include "base/rooms.h"
#include "infer/answer.h"
#include "infer/session.h"

namespace bantam::infer {

// As many answers at once as the session has slots; each is what generate() would have made of it
// alone. False: `go_on` said no; those that had begun are stopped. Throws Error as generate() does.
bool answer_several(Session& session, std::span<const std::int32_t> prompt,
                    std::span<Answer* const> answers, const Session::GoOn& go_on = {});

}  // namespace bantam::infer
