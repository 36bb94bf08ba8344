// Python's operators on template values. Integers have 64 bits; what would need more is an error.
#pragma once

#include "base/rooms.h"
#include "chat/jinja_ast.h"
#include "chat/jinja_value.h"

namespace bantam::chat::jinja {

class Interpreter;

// Each throws Error where Python raises: types that do not fit, division by zero, a result too
// large.
Value arithmetic(Interpreter& with, BinaryOp op, const Value& left, const Value& right);
Value negative(const Value& value);
Value positive(const Value& value);

// & < > ' " as HTML entities, unless the value is markup already.
std::string escaped(Interpreter& with, const Value& value);

}  // namespace bantam::chat::jinja
