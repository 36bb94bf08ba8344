// Runs the built program, through a shell, in a folder that goes with the test.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <stdexcept>
#include <string>

#include "base/file.h"
#include "support/tiny_model.h"

namespace bantam::test {

struct Ran {
  int status = 0;  // 128 + N: ended by signal N
  std::string output;
};

inline std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// `bantam` in the command is the program under test; standard error goes with standard output.
inline Ran shell(const std::string& command, const Path& folder) {
  const std::string program = Path(BANTAM_PROGRAM).parent_path().string();
  const std::string line = "cd " + quoted(folder.string()) +
                           " || exit 99\nPATH=" + quoted(program) +
                           ":$PATH\nexec 2>&1 </dev/null\n" + command;
  FILE* pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("no shell");
  Ran ran;
  char part[4096];
  for (std::size_t got; (got = fread(part, 1, sizeof part, pipe)) > 0;)
    ran.output.append(part, got);
  const int status = pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

// What the scripts in cases/ find in their folder.
inline void write_models(const Path& folder) {
  TinyModel tiny;
  write_tiny_gguf(folder / "tiny.gguf", tiny);
  write_tiny_folder(folder / "tiny", tiny);
  tiny.type = Type::f16;
  write_tiny_gguf(folder / "tiny-f16.gguf", tiny);
  tiny.type = Type::q8_0;
  tiny.chat_template =
      "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
      "{% if add_generation_prompt %}[assistant] {% endif %}";
  write_tiny_gguf(folder / "chat.gguf", tiny);
  tiny.chat_template =
      "{% for m in messages %}{{ m.content }}{% endfor %}"
      "{% if not (enable_thinking | default(true)) %}!{% endif %}";
  write_tiny_gguf(folder / "thinking.gguf", tiny);
  tiny.chat_template =
      "{% for m in messages %}{% for part in m['content'] %}{% if part['type'] == 'text' %}"
      "{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}";
  write_tiny_gguf(folder / "parts.gguf", tiny);
  tiny = {};
  tiny.width = 48;  // no whole number of blocks in a row
  write_tiny_gguf(folder / "odd.gguf", tiny);
  tiny = {};
  tiny.layers = 1;
  tiny.width = tiny.feed_forward = 256;  // of whole blocks of any type
  write_tiny_gguf(folder / "broad.gguf", tiny);
}

}  // namespace bantam::test
