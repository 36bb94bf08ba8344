// Rows hold every token once an epoch, never more than fits, in an order that the seed gives.
#include "data/dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/random.h"

namespace bantam::test {

namespace {

TokenStore texts(std::int64_t documents, std::uint64_t longest) {
  TokenStore store;
  const Random random(9, 9);
  for (std::int64_t d = 0; d < documents; ++d) {
    std::vector<std::int32_t> tokens(2 + random.below(static_cast<std::uint64_t>(d), longest),
                                     static_cast<std::int32_t>(d));
    store.add(tokens, std::vector<float>(tokens.size(), 1.0f));
  }
  return store;
}

std::vector<std::int64_t> all_of(const TokenStore& store) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(store.documents()));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
  return all;
}

bool same(const std::vector<PackedRow>& a, const std::vector<PackedRow>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(), [](const PackedRow& x, const PackedRow& y) {
        return std::equal(
            x.begin(), x.end(), y.begin(), y.end(), [](const Piece& p, const Piece& q) {
              return p.document == q.document && p.from == q.from && p.count == q.count;
            });
      });
}

TEST(PackRows, EveryInputOfEveryDocumentOnceAndRowsNeverOverflow) {
  const TokenStore store = texts(500, 200);
  const auto documents = all_of(store);
  const std::vector<PackedRow> rows = pack_rows(store, documents, 64, 1, 0, true);
  std::map<std::int64_t, std::set<std::int64_t>> seen;
  std::int64_t inputs = 0;
  for (const PackedRow& row : rows) {
    std::int64_t used = 0;
    for (const Piece& p : row) {
      used += p.count;
      for (std::int64_t i = 0; i < p.count; ++i)
        EXPECT_TRUE(seen[p.document].insert(p.from + i).second);
    }
    EXPECT_LE(used, 64);
    EXPECT_GT(used, 0);
    inputs += used;
  }
  EXPECT_EQ(inputs, store.tokens() - store.documents());
  EXPECT_EQ(seen.size(), 500u);
}

TEST(PackRows, LeaveLittleEmpty) {
  const TokenStore store = texts(2000, 60);
  const std::vector<PackedRow> rows = pack_rows(store, all_of(store), 256, 1, 0, true);
  const double full = static_cast<double>(store.tokens() - store.documents()) /
                      (256.0 * static_cast<double>(rows.size()));
  EXPECT_GT(full, 0.97);
}

TEST(PackRows, OrderComesFromSeedAndEpochAlone) {
  const TokenStore store = texts(300, 90);
  const auto documents = all_of(store);
  const auto rows = pack_rows(store, documents, 64, 7, 2, true);
  EXPECT_TRUE(same(rows, pack_rows(store, documents, 64, 7, 2, true)));
  EXPECT_FALSE(same(rows, pack_rows(store, documents, 64, 7, 3, true)));
  EXPECT_FALSE(same(rows, pack_rows(store, documents, 64, 8, 2, true)));
}

TEST(Split, PutsCopiesOfADocumentOnOneSideAndDependsOnContent) {
  TokenStore store;
  for (int copy = 0; copy < 3; ++copy)
    for (std::int32_t d = 0; d < 400; ++d) {
      const std::vector<std::int32_t> tokens{d, d * d % 97, d + 3};
      store.add(tokens, std::vector<float>(3, 1.0f));
    }
  const Split split = split_documents(store, 0.1);
  EXPECT_EQ(split.train.size() + split.validation.size(), 1200u);
  EXPECT_GT(split.validation.size(), 60u);
  EXPECT_LT(split.validation.size(), 180u);
  std::set<std::int64_t> held;
  for (const std::int64_t d : split.validation) held.insert(d % 400);
  EXPECT_EQ(split.validation.size(), 3 * held.size());
}

TEST(Split, OfTwoDocumentsHasBothSidesAndOneIsForTraining) {
  const Split split = split_documents(texts(2, 10), 0.01);
  EXPECT_EQ(split.train.size(), 1u);
  EXPECT_EQ(split.validation.size(), 1u);
  for (const double share : {0.0, 0.01, 0.9}) {
    const Split one = split_documents(texts(1, 10), share);
    EXPECT_EQ(one.train.size(), 1u) << share;
    EXPECT_EQ(one.validation.size(), 0u) << share;
  }
}

}  // namespace

}  // namespace bantam::test
