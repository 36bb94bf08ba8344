#include "judge/chinese.h"

#include <algorithm>
#include <string>

#include "words/unicode.h"

namespace bantam::judge {

namespace {

// In rising order: characters whose Traditional form is another (as BYVoid/OpenCC's tables, Apache-2.0,
// tell), that stand in Simplified examinations and hardly ever in Traditional texts. So not those
// which both write (后, 里, 云, 台, 干, 只, 面).
constexpr std::u32string_view kSimplified =
    U"万与专业丛东丝丢两严丧个丰临为丽举么义乌乐乔习乡书买乱争亏亚产亩亲亵亿仅从仓仪们价众优伙会"
    U"伞伟传伤伦伪体侣侦侧侨俭债倾偿储儿兑党兰关兴兹养兽内冈册写军农冯冲决况冻净凄凉减凑几凤凭凯"
    U"击凿划刘则刚创删别刹剂剑剥剧劝办务动励劲劳势匀匮区医华协单卖卢卧卫却厂厅历厉压厌厕厢厦厨县"
    U"参双发变叙叠叶号叹吓吕吗吨听启吴呐呕员呛咏响哑哗唤啰喷嗳嘤嘱嚣团园围国图圆圣场坏块坚坛坝坞"
    U"坠垄垒垦垫墙壮声壳壶处备复够头夹夺奋奖奥妆妇妈娇娱娲婴婵孙学宁宝实宠审宪宫宽宾对寻导寿将尘"
    U"尝尧尸尽层屉届属屡屿岁岂岗岛岭峡峦崭巩巯币帅师帐帜带帮幂并广庆庐库应庙庞废开异弃弑张弥弯弹"
    U"强归当录彻径徕忆忏忧怀态怂怅怆怜总恋恒恳恶恺恼悦悬惊惧惨惩惫惯愤愿慑懒戏战户扑执扩扫扬扰抚"
    U"抛抢护报担拟拢拣拥拦拨择挂挛挟挠挡挣挤挥捞损换据掷掺揽搁搅携摄摆摇摊撑擞敌敛数斋斩断无旧时"
    U"旷昼显晋晒晓晕晖暂术机杀杂权杠条来杨极构枢枣枪柜柠标栈栋栏树样桡档桥桩梦检椭楼槛槟横橱欢欧"
    U"残殴毁毕气氢汇汉汤沟没沥沦沧沪泞泪泻泼泽泾洁洒洼浅浆浇浊测济浏浑浒浓涂涛涝涟涡涣涤润涧涨涩"
    U"淀渊渍渐渔渗温湾湿溃溅滚滞满滤滥滨滩潜潴澜灭灯灵灾灿炉炖点炼炽烁烂烃烛烟烦烧烫热焕爱爷牵牺"
    U"状犹独狭狮狱猎猕猪猫献玛环现玺琐琼瓮电画畅畴疗疟疡疮疯痈痉痒痪痫瘘瘫瘾癣癫皱盐监盖盗盘睐睑"
    U"瞒矫矾矿码砖砚砾础确碍碱礼祸禀禄禅离秆种积称秽税稣稳穷窃窝窥窦竖竞笔笼筑筛筝筹签简篮类粤粪"
    U"粮紧纠红纣纤约级纪纬纭纯纱纲纳纵纶纷纸纹纺纽线绀练组绅细织终绍绎经绑绒结绕绘给绛络绝绞统绣"
    U"继绩绪续绳维绵绸综绿缀缃缅缆缓缔缕编缘缚缜缝缠缢缩缴网罗罚罢羁羟翘耻聂聋职联聪肃肠肤肴肾肿"
    U"胀胁胆胜胫胶脉脍脐脑脓脚脱脸腊腌腻腾舆舰舱艰艳艺节芜芦苍苏苹茎茧荆荐荚荞荡荣荤荦药莱莲获莹"
    U"莺萝萤营萧萨葱蒋蓝蕴藓虏虑虚虫虱虽虾蚀蚕蛎蛮蜗蜡蝇蝉衅衔补衬袜袭装裤见观规视览觉触誉计订讣"
    U"认讨让训议讯记讲讳许论讼讽设访诀证诂诃评识诈诉诊词诏译试诗诙诚诛话诞诠诡询该详诫语误诱说诵"
    U"请诸诺读课谁调谈谊谋谍谎谏谐谓谕谚谛谟谢谣谦谨谬谭谱谴贝贞负贡财责贤败账货质贩贪贫贬购贮贯"
    U"贱贲贴贵贷贸费贺贼贽贾贿赁赂赃资赊赋赌赎赏赐赔赖赘赛赞赠赡赢赣赵赶趋跃践踪躯车轨转轮软轰轴"
    U"轻轼载轿较辅辆辈辉辐辑输辖辙辞辩辫边辽达迁过迈运还这进远违连迟迹适选逊递逻遗遥邓邮邹邻郑酝"
    U"酱酿采释鉴针钉钊钓钙钛钝钟钠钡钢钥钦钧钨钩钮钱钳钵钻钼钾铁铂铃铅铜铝铬铭铲铵银铸铺链销锁锂"
    U"锄锅锈锋锌锐错锡锢锣锤锥锦键锯锰锻镀镁镂镇镍镐镜镫镭镰镳镶长门闪闭问闯闰闲间闷闸闹闺闻闽闾"
    U"阀阁阅阈阎阐阑阔阗队阳阴阵阶际陆陈陕险随隐隶难雏雾静靥鞑韦韧韩韬韵页顶顷项顺须顽顾顿颁颂预"
    U"颅领颇颈颉颊颌颍颐频颖颗题颜额颞颠颤颧风飘飞饥饨饪饭饮饰饱饲饵饼饿馁馄馆馈馍馏馒马驰驱驳驴"
    U"驶驷驻驼驾驿骂骄骆验骏骑骗骚骞骤骥髋髌鱼鲁鲍鲜鲤鲸鳞鸟鸠鸡鸣鸭鸽鸿鹃鹅鹊鹜鹰麦黄齐齿龄龈龙"
    U"龟";

// Words that Taiwan says otherwise (its own in the remark), in either script.
constexpr std::string_view kMainland[] = {
    "视频",   "視頻",                // 影片
    "软件",   "軟件",                // 軟體
    "硬件",                          // 硬體
    "信息",                          // 資訊
    "网络",   "網絡",                // 網路
    "互联网", "互聯網",              // 網際網路
    "服务器", "服務器",              // 伺服器
    "内存",   "內存",                // 記憶體
    "硬盘",   "硬盤",                // 硬碟
    "鼠标",   "鼠標",                // 滑鼠
    "打印",                          // 列印
    "短信",   "博客",                // 簡訊, 部落格
    "出租车", "出租車",              // 計程車
    "公交车", "公交車",              // 公車
    "人工智能", "屏幕",              // 人工智慧, 螢幕
    "默认",   "默認",                // 預設
    "菜单栏", "菜單欄",              // 選單列
    "文件夹", "文件夾",              // 資料夾
    "数据库", "數據庫",              // 資料庫
    "程序员", "程序員",              // 程式設計師
    "立交桥", "立交橋",              // 高架橋
    "方便面"};                       // 泡麵

bool is_han(char32_t c) {
  return (c >= 0x3400 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) ||
         (c >= 0x20000 && c <= 0x3ffff);
}

}  // namespace

ChineseCount& ChineseCount::operator+=(const ChineseCount& other) {
  characters += other.characters;
  simplified += other.simplified;
  terms += other.terms;
  return *this;
}

ChineseCount count_chinese(std::string_view text) {
  ChineseCount out;
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    at += rune.size;
    if (!is_han(rune.value)) continue;
    ++out.characters;
    out.simplified += std::binary_search(kSimplified.begin(), kSimplified.end(), rune.value);
  }
  for (const std::string_view term : kMainland)
    for (std::size_t at = 0; (at = text.find(term, at)) != std::string_view::npos; at += term.size())
      ++out.terms;
  return out;
}

}  // namespace bantam::judge
