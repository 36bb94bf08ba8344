// Decides which variable each name of a template means, before it runs. Jinja2 compiles a template
// to Python functions whose locals are its variables, which gives chat templates some habits that
// they rely on: what a loop's body sets is forgotten after each turn, an `if` has no scope of its
// own, a macro sees the variables of where it stands as they are when it is called. The rules are
// those of pallets/jinja, src/jinja2/idtracking.py and compiler.py.
#pragma once

#include "base/rooms.h"
#include "chat/jinja_ast.h"

namespace bantam::chat::jinja {

// Fills every Slot, Scope and Function of the tree. Throws Error with the line for a filter or test
// that does not exist; inside an `if` that is an error only when it runs, as in Jinja2.
void resolve_names(Template& out);

}  // namespace bantam::chat::jinja
