// A request that is not served, and what HTTP and OpenAI's form of errors say of it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace bantam::serve {

using Headers = std::vector<std::pair<std::string, std::string>>;

class Refusal : public Error {
 public:
  // `param`: the field of the request that is at fault, "messages[0].role"; it leads the message.
  Refusal(int status, const std::string& message, std::string param = "", std::string code = "");
  // A header of the response; returns *this.
  Refusal& header(std::string name, std::string value);

  int status() const { return status_; }
  const std::string& code() const { return code_; }
  const Headers& headers() const { return headers_; }

 private:
  int status_;
  std::string code_;
  Headers headers_;
};

// {"error":{"message":...,"type":...,"param":...,"code":...}}
// (openai/openai-openapi, openapi.yaml: ErrorResponse). Type follows from the status.
std::string error_json(int status, std::string_view message, std::string_view param = "",
                       std::string_view code = "");

// What goes to the client for an exception: a Refusal as it is; of anything else only that it
// happened, for its text may say more of this machine than a client should know.
Refusal refusal_for(const std::exception& error);

}  // namespace bantam::serve
