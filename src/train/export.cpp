// A trained model on its way out.
#include <nlohmann/json.hpp>

#include "models/writer.h"
#include "files/model_path.h"
#include "train/run.h"

namespace bantam::train {

void export_model(Model& model, const Family& family, const Tokenizer& tokenizer, const Path& out,
                  bool replace) {
  const WeightRows rows = [](const WeightSpec& w) { return w.rows(); };
  const WeightType type = [](const WeightSpec&) { return Type::f32; };
  if (files::is_gguf_name(out)) {
    GgufWriter writer(out);
    write_tokenizer(tokenizer, writer, model.config().vocabulary);
    write_gguf(model, family, writer, rows, type);
    return;
  }
  AtomicFolder folder(out, replace);
  Json extra = Json::object();
  if (tokenizer.eos()) extra["eos_token_id"] = *tokenizer.eos();
  extra["bos_token_id"] = tokenizer.bos() ? Json(*tokenizer.bos()) : Json(nullptr);
  write_folder(model, family, folder.path(), rows, type, extra);
  write_file(folder.path() / "tokenizer.json", tokenizer_json(tokenizer));
  write_file(folder.path() / "tokenizer_config.json", tokenizer_config_json(tokenizer));
  folder.commit();
}

}  // namespace bantam::train
