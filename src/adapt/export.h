// How a fine-tuning ends: what was trained is written under another name, with golden vectors, loaded again,
// compared, and only then gets its own.
#pragma once

#include <string>

#include "adapt/run.h"
#include "base/rooms.h"
#include "models/loader.h"

namespace bantam::adapt {

// What was trained, and on what.
struct Trained {
  const TuneRequest& request;
  bool replace;  // what is there
  Path folder;   // of the run
  std::shared_ptr<const ModelFile> file;
  const PreparedData& data;
  LocalTime day;
  Model& model;
  ThreadPool& pool;
  const Kernels& kernels;
};

// Write to request.out; return what the identity gate compared, for people. Throw Error, and leave nothing,
// when it lets it not through.
std::string export_adapter(const Trained& trained, Adapter& adapter);
std::string export_model(const Trained& trained);

}  // namespace bantam::adapt
