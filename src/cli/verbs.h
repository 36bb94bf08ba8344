// Every verb, each defined in the file of its name.
#pragma once

#include "cli/verb.h"

namespace bantam::cli {

extern const Verb kBench;
extern const Verb kChat;
extern const Verb kCompare;
extern const Verb kCompletion;
extern const Verb kConvert;
extern const Verb kDetokenize;
extern const Verb kEval;
extern const Verb kExplain;
extern const Verb kFinetune;
extern const Verb kGenerate;
extern const Verb kInfo;
extern const Verb kLogits;
extern const Verb kMan;
extern const Verb kPlan;
extern const Verb kMerge;
extern const Verb kQuantize;
extern const Verb kScale;
extern const Verb kSelect;
extern const Verb kImatrix;
extern const Verb kServe;
extern const Verb kTemplate;
extern const Verb kTokenize;
extern const Verb kTrain;

}  // namespace bantam::cli
