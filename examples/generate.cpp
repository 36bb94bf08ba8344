// Asks a model, by its chat template where it has one: generate MODEL TEXT [TOKENS]
#include <bantam/bantam.hpp>
#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::cerr << "usage: " << argv[0] << " MODEL TEXT [TOKENS]\n";
    return 2;
  }
  bantam::Model model(argv[1]);
  const bool chat = model.description().has_chat_template != 0;
  const std::vector<bantam::Token> prompt =
      chat ? model.encode_chat({{"user", argv[2]}}) : model.encode(argv[2]);
  bantam::GenerateOptions options;
  options.max_tokens = argc > 3 ? std::atoll(argv[3]) : 100;
  options.temperature = 0;
  options.own_text = chat;
  const bantam::Answer answer = model.generate(prompt, options, [](std::string_view text) {
    std::cout << text << std::flush;
    return std::cout.good();
  });
  if (answer.text.empty() || answer.text.back() != '\n') std::cout << '\n';
  return 0;
} catch (const std::exception& error) {
  std::cerr << argv[0] << ": " << error.what() << '\n';
  return 1;
}
