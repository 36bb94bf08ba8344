#include "infer/several.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/error.h"
#include "infer/decoder.h"

namespace bantam::infer {

bool answer_several(Session& session, std::span<const std::int32_t> prompt,
                    std::span<Answer* const> answers, const Session::GoOn& go_on) {
  session.require_known(prompt);
  session.require_room(static_cast<std::int64_t>(prompt.size()));
  Decoder decoder(session);
  std::vector<std::unique_ptr<Going>> going;
  std::vector<Going*> goings;
  const auto slots = static_cast<std::size_t>(session.slots());
  for (std::size_t next = 0; next < answers.size() || !going.empty();) {
    // The others begin once the first has read the prompt: what it read is copied.
    const bool read = going.empty() || !goings.front()->answer().ids().empty();
    while (next < answers.size() && answers[next]->stopped()) ++next;
    while (next < answers.size() && goings.size() < slots && (read || goings.empty())) {
      going.push_back(std::make_unique<Going>(prompt, *answers[next++]));
      decoder.seat(*going.back(), goings);
      goings.push_back(going.back().get());
      if (goings.size() == 1) break;
    }
    if (goings.empty()) break;
    const bool whole = decoder.step(goings, go_on);
    for (Going* g : goings) {
      if (g->fault()) std::rethrow_exception(g->fault());
      if (!whole && !g->answer().stopped()) g->stop(StopReason::interrupted);
    }
    if (!whole) return false;
    std::erase_if(going, [](const auto& g) { return g->over(); });
    goings.clear();
    for (const auto& g : going) goings.push_back(g.get());
  }
  return true;
}

}  // namespace bantam::infer
