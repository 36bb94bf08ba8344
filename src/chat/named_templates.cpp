#include "chat/named_templates.h"

#include <array>
#include <string>

#include "base/error.h"

namespace bantam::chat {

namespace {

constexpr std::array kTemplates{
    NamedTemplate{"bantam", "models trained here: <|user|>...<|assistant|>...<|end|>",
                  "{%- for message in messages -%}"
                  "{{- '<|' + message['role'] + '|>' + message['content'] -}}"
                  "{%- if message['role'] == 'assistant' -%}{{- '<|end|>' -}}{%- endif -%}"
                  "{%- endfor -%}"
                  "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"},
    NamedTemplate{
        "bantam-single", "models trained here on single exchanges: each question stands alone",
        "{%- set last = namespace(question=0) -%}"
        "{%- for message in messages -%}{%- if message['role'] == 'user' -%}"
        "{%- set last.question = loop.index0 -%}{%- endif -%}{%- endfor -%}"
        "{%- for message in messages -%}"
        "{%- if message['role'] == 'system' or loop.index0 >= last.question -%}"
        "{{- '<|' + message['role'] + '|>' + message['content'] -}}"
        "{%- if message['role'] == 'assistant' -%}{{- '<|end|>' -}}{%- endif -%}{%- endif -%}"
        "{%- endfor -%}"
        "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"},
    NamedTemplate{
        "chatml", "<|im_start|>role ... <|im_end|>: Qwen, SmolLM2 and many others",
        "{%- for message in messages -%}"
        "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}"
        "{%- endfor -%}"
        "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"},
    NamedTemplate{"llama-2", "[INST] ... [/INST], the system message in <<SYS>>",
                  "{%- set ns = namespace(system='') -%}"
                  "{%- for message in messages -%}"
                  "{%- if message['role'] == 'system' -%}"
                  "{%- set ns.system = '<<SYS>>\\n' + message['content'] + '\\n<</SYS>>\\n\\n' -%}"
                  "{%- elif message['role'] == 'user' -%}"
                  "{{- bos_token + '[INST] ' + ns.system + message['content'] + ' [/INST]' -}}"
                  "{%- set ns.system = '' -%}"
                  "{%- else -%}{{- ' ' + message['content'] + ' ' + eos_token -}}{%- endif -%}"
                  "{%- endfor -%}"},
    NamedTemplate{
        "zephyr", "<|role|> on a line of its own: Zephyr, TinyLlama",
        "{%- for message in messages -%}"
        "{{- '<|' + message['role'] + '|>\\n' + message['content'] + eos_token + '\\n' -}}"
        "{%- endfor -%}"
        "{%- if add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- endif -%}"},
    NamedTemplate{
        "plain", "the messages with a blank line between them: base models",
        "{%- for message in messages -%}{{- message['content'] + '\\n\\n' -}}{%- endfor -%}"},
};

}  // namespace

std::span<const NamedTemplate> named_templates() { return kTemplates; }

std::string_view named_template(std::string_view name) {
  std::string known;
  for (const NamedTemplate& t : kTemplates) {
    if (t.name == name) return t.source;
    known += (known.empty() ? "" : ", ") + std::string(t.name);
  }
  throw Error("there is no template \"" + printable(name) + "\"; these are: " + known,
              Error::Kind::usage);
}

}  // namespace bantam::chat
