// The English wordings.
#include "wordings_tables.h"

namespace bantam::recipe {
namespace {

using enum Kind;
using enum Operation;

constexpr Wording kEnglishWordings[] = {
    {addition, add, "What is {a}{+}{b}?"},
    {addition, add, "{a}{+}{b}{=}"},
    {addition, add, "{a}{+}{b}"},
    {addition, add, "{a} plus {b}"},
    {addition, add, "How much is {a}{+}{b}?"},
    {addition, add, "Calculate {a}{+}{b}."},
    {addition, add, "What is {a} plus {b}?"},
    {addition, add, "How much is {a} and {b} together?"},
    {addition, add, "Add {a} and {b}."},

    {subtraction, subtract, "What is {a}{-}{b}?"},
    {subtraction, subtract, "{a}{-}{b}{=}"},
    {subtraction, subtract, "{a}{-}{b}"},
    {subtraction, subtract, "{a} minus {b}"},
    {subtraction, subtract, "How much is {a}{-}{b}?"},
    {subtraction, subtract, "Calculate {a}{-}{b}."},
    {subtraction, subtract, "What is {a} minus {b}?"},
    {subtraction, subtract, "How much more is {a} than {b}?"},
    {subtraction, subtract, "Subtract {b} from {a}."},

    {multiplication, multiply, "What is {a}{*}{b}?"},
    {multiplication, multiply, "{a}{*}{b}{=}"},
    {multiplication, multiply, "{a}{*}{b}"},
    {multiplication, multiply, "{a} times {b}"},
    {multiplication, multiply, "How much is {a}{*}{b}?"},
    {multiplication, multiply, "Calculate {a}{*}{b}."},
    {multiplication, multiply, "What is {a} times {b}?"},
    {multiplication, multiply, "Multiply {a} by {b}."},

    {comparison, larger, "Which is larger, {a} or {b}?"},
    {comparison, larger, "Which number is bigger, {a} or {b}?"},
    {comparison, larger, "What is the larger of {a} and {b}?"},
    {comparison, larger, "Which is bigger, {a} or {b}?"},
    {comparison, smaller, "Which is smaller, {a} or {b}?"},
    {comparison, smaller, "Which number is less, {a} or {b}?"},
    {comparison, smaller, "What is the smaller of {a} and {b}?"},

    {units, convert, "How many {v} are in {a} {u}?"},
    {units, convert, "How many {v} is {a} {u}?"},
    {units, convert, "What is {a} {u} in {v}?"},
    {units, convert, "Convert {a} {u} to {v}."},

    {weekday, weekday_after, "Today is {w}. What day is it in {a} {d}?"},
    {weekday, weekday_after, "What day is {a} {d} after {w}?"},
    {weekday, weekday_after, "What day comes {a} {d} after {w}?"},
    {weekday, weekday_after, "If today is {w}, what day is it in {a} {d}?"},
    {weekday, weekday_before, "Today is {w}. What day was it {a} {d} ago?"},
    {weekday, weekday_before, "What day is {a} {d} before {w}?"},
    {weekday, weekday_before, "What day was {a} {d} before {w}?"},

    {date, date_after, "What date is {a} {d} after {m} {c}?"},
    {date, date_after, "Today is {m} {c}. What date is it in {a} {d}?"},
    {date, date_after, "What is the date {a} {d} after {m} {c}?"},

    {change, subtract, "A {s} costs {b} dollars. {n} pays {a} dollars. How much is the change?"},
    {change, subtract, "{n} pays {a} dollars for a {s} that costs {b} dollars. How much change?"},
    {change, subtract, "The price is {b} dollars and I pay {a} dollars. What is the change?"},
    {change, subtract, "{n} has {a} dollars and spends {b}. How much money is left?"},

    {total, multiply, "A {s} costs {a} dollars. How much do {b} {o} cost?"},
    {total, multiply, "How much do {b} {o} cost at {a} dollars each?"},
    {total, multiply, "{n} buys {b} {o} for {a} dollars each. How much is that?"},
    {total, multiply, "One {s} is {a} dollars. What is the price of {b} {o}?"},

    {story, add, "{n} has {a} {o} and gets {b} more. How many {o} now?"},
    {story, add, "{n} has {a} {o} and {N} has {b}. How many {o} together?"},
    {story, add, "{n} has {a} {o} and buys {b} more. How many {o} does {n} have?"},
    {story, add, "There are {a} boys and {b} girls. How many children are there?"},
    {story, subtract, "{n} has {a} {o} and gives away {b}. How many {o} are left?"},
    {story, subtract, "A shop has {a} {o} and sells {b}. How many {o} are left?"},
    {story, subtract, "{n} has {a} {o} and {N} has {b}. How many more does {n} have?"},

    {two_step, times_plus, "{n} has {a} boxes of {b} {o} and gets {c} more. How many {o} now?"},
    {two_step, times_plus,
     "{n} buys {a} {o} for {b} dollars each and a bag for {c} dollars. How much is that?"},
    {two_step, times_minus,
     "{n} has {a} boxes of {b} {o} and gives away {c}. How many {o} are left?"},
    {two_step, minus_times,
     "{n} has {c} dollars and buys {a} {o} for {b} dollars each. How much money is left?"},
};

}  // namespace

std::span<const Wording> english_wordings() { return kEnglishWordings; }

}  // namespace bantam::recipe
