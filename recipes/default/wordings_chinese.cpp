// The wordings in Traditional Chinese as written in Taiwan, without spaces: these are added around
// numbers for the people who type them.
#include "wordings_tables.h"

namespace bantam::recipe {
namespace {

using enum Kind;
using enum Operation;

constexpr Wording kChineseWordings[] = {
    {addition, add, "{a}{+}{b}等於多少？"},
    {addition, add, "{a}{+}{b}{=}"},
    {addition, add, "{a}{+}{b}是多少？"},
    {addition, add, "{a}加{b}"},
    {addition, add, "請問{a}{+}{b}等於多少？"},
    {addition, add, "計算{a}{+}{b}。"},
    {addition, add, "{a}加{b}等於多少？"},
    {addition, add, "{a}和{b}加起來是多少？"},
    {addition, add, "請問{a}加{b}是多少？"},

    {subtraction, subtract, "{a}{-}{b}等於多少？"},
    {subtraction, subtract, "{a}{-}{b}{=}"},
    {subtraction, subtract, "{a}{-}{b}是多少？"},
    {subtraction, subtract, "{a}減{b}"},
    {subtraction, subtract, "請問{a}{-}{b}等於多少？"},
    {subtraction, subtract, "計算{a}{-}{b}。"},
    {subtraction, subtract, "{a}減{b}等於多少？"},
    {subtraction, subtract, "{a}比{b}多多少？"},
    {subtraction, subtract, "請問{a}減{b}是多少？"},

    {multiplication, multiply, "{a}{*}{b}等於多少？"},
    {multiplication, multiply, "{a}{*}{b}{=}"},
    {multiplication, multiply, "{a}{*}{b}是多少？"},
    {multiplication, multiply, "{a}乘以{b}"},
    {multiplication, multiply, "請問{a}{*}{b}等於多少？"},
    {multiplication, multiply, "計算{a}{*}{b}。"},
    {multiplication, multiply, "{a}乘以{b}等於多少？"},
    {multiplication, multiply, "{a}的{b}倍是多少？"},

    {comparison, larger, "{a}和{b}哪個大？"},
    {comparison, larger, "{a}和{b}哪一個比較大？"},
    {comparison, larger, "{a}、{b}，比較大的是多少？"},
    {comparison, larger, "{a}跟{b}哪個大？"},
    {comparison, smaller, "{a}跟{b}哪個小？"},
    {comparison, smaller, "{a}和{b}哪個小？"},
    {comparison, smaller, "{a}和{b}哪一個比較小？"},
    {comparison, smaller, "{a}、{b}，比較小的是多少？"},

    {units, convert, "{a}{u}是幾{v}？"},
    {units, convert, "{a}{u}等於多少{v}？"},
    {units, convert, "{a}{u}有幾{v}？"},
    {units, convert, "把{a}{u}換成{v}。"},

    {weekday, weekday_after, "今天是{w}，{a}天後是星期幾？"},
    {weekday, weekday_after, "{w}的{a}天後是星期幾？"},
    {weekday, weekday_after, "今天{W}，再過{a}天是禮拜幾？"},
    {weekday, weekday_after, "如果今天是{w}，{a}天後是星期幾？"},
    {weekday, weekday_after, "今天{w}，{a}天後星期幾？"},
    {weekday, weekday_before, "今天是{w}，{a}天前是星期幾？"},
    {weekday, weekday_before, "{w}的{a}天前是星期幾？"},
    {weekday, weekday_before, "今天{W}，{a}天前是禮拜幾？"},

    {date, date_after, "{b}月{c}日的{a}天後是幾月幾日？"},
    {date, date_after, "今天是{b}月{c}日，{a}天後是幾月幾日？"},
    {date, date_after, "{b}月{c}日再過{a}天是幾月幾日？"},

    {change, subtract, "一{k}{o}{b}元，{n}付了{a}元，要找多少元？"},
    {change, subtract, "{n}付{a}元買{b}元的{o}，要找多少元？"},
    {change, subtract, "總共{b}元，我付{a}元，找回多少元？"},
    {change, subtract, "{n}有{a}元，買了一{k}{b}元的{o}，還剩多少元？"},
    {change, subtract, "{n}有{a}元，花了{b}元，還剩多少元？"},

    {total, multiply, "一{k}{o}{a}元，{b}{k}要多少元？"},
    {total, multiply, "每{k}{o}{a}元，買{b}{k}要多少元？"},
    {total, multiply, "{n}買了{b}{k}{a}元的{o}，共花多少元？"},
    {total, multiply, "買{b}{k}{o}，一{k}{a}元，共多少元？"},

    {story, add, "{n}有{a}{k}{o}，又買了{b}{k}，現在有幾{k}？"},
    {story, add, "{n}有{a}元，又拿到{b}元，現在有幾元？"},
    {story, add, "學校有{a}個男生和{b}個女生，共有幾人？"},
    {story, subtract, "{n}有{a}{k}{o}，送出{b}{k}，還剩幾{k}？"},
    {story, subtract, "店裡有{a}{k}{o}，賣掉{b}{k}，還剩幾{k}？"},
    {story, subtract, "公園有{a}人，離開{b}人，還剩幾人？"},

    {two_step, times_plus, "{n}有{a}盒{o}，每盒{b}{k}，又買了{c}{k}，現在有幾{k}？"},
    {two_step, times_plus, "{n}買{a}{k}{b}元的{o}，又買{c}元的茶，共花多少元？"},
    {two_step, times_minus, "{n}有{a}盒{o}，每盒{b}{k}，送出{c}{k}，還剩幾{k}？"},
    {two_step, minus_times, "{n}有{c}元，買了{a}{k}{b}元的{o}，還剩多少元？"},
};

}  // namespace

std::span<const Wording> chinese_wordings() { return kChineseWordings; }

}  // namespace bantam::recipe
