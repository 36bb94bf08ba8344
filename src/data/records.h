// A line of JSON as a document to train on from nothing: running text, or a conversation as roles and
// texts alone.
#pragma once

#include <string>

#include "base/rooms.h"
#include "data/documents.h"

namespace bantam::data {

// The line in one of the forms of conversation.h, or {"content"} as some collections of code have it;
// of a preference the chosen answer. What an assistant calls stands behind its content, each call as
// <tool_call>{...}</tool_call>. Throws Error with the field: what read_record refuses, tokens of
// another tokenizer, none of the forms.
Document read_document_line(const std::string& line);

}  // namespace bantam::data
