#include "shrink/calibration_text.h"

namespace bantam::shrink {

namespace {

constexpr std::string_view kText =
    R"TEXT(The harbour was quiet that morning. Two fishermen mended their nets while the ferry, late as usual, turned slowly between the buoys. "It will rain before noon," said the older one, and he was right: by eleven the hills had gone and the street lamps came on again. A child asked why the sea does not overflow when it rains so much. Her mother thought about it, then explained how water rises from the sea as vapour, drifts inland as cloud, falls, and runs back in rivers; so what the sea gets is only what it gave.

To bake bread you need 500 g of flour, 320 ml of water, 10 g of salt and 5 g of dry yeast. Mix, let it rest for an hour, fold it four times, and bake it at 230 °C for 35 minutes. If the crust is pale, give it another five. Question: how much water is needed for 750 g of flour? Answer: 750 / 500 = 1.5, and 1.5 × 320 = 480 ml.

In 1869 Dmitri Mendeleev arranged the known elements by weight and left gaps for those not yet found. Gallium, scandium and germanium filled three of them within twenty years, with the properties that he had predicted. The table was later ordered by atomic number, which removed the last inconsistencies.

港口的早晨很安靜。兩個漁夫在補網,渡輪照例晚到,慢慢地在浮標之間轉彎。「中午以前會下雨。」年紀大的那位說。他說對了:十一點時,山已經看不見,路燈又亮了起來。孩子問:「雨下得這麼多,海為什麼不會滿出來?」媽媽想了想,說水從海裡變成水汽,成為雲,落下來,再沿著河流回到海裡。

今天我们来学习如何计算圆的面积。设半径为 r,则面积等于 π 乘以 r 的平方。例如半径为 3 厘米的圆,面积约为 28.27 平方厘米。请注意单位:长度用厘米,面积用平方厘米。第二题:一列火车以每小时八十公里的速度行驶,两个半小时能走多远?答案是两百公里。根据法律规定,承租人应当按照约定支付租金,并妥善保管租赁物。

駅前の小さな本屋は、夜九時まで開いている。店主は客が何を探しているのか、たいてい顔を見れば分かると言う。「この間の続きですか」と聞かれて、私は思わず笑った。電車が来るまで、あと十分ある。

도서관은 언덕 위에 있어서 자전거로 가기에는 조금 힘들지만, 창가에 앉으면 강이 다 보인다. 오늘은 시험공부를 하는 학생들이 많아서 조용했다. 세 시간 동안 책을 두 권 읽었다.

Am Bahnhof stand ein Automat, der weder Scheine noch Karten nahm. „Versuchen Sie es am Schalter“, sagte eine Frau, „der öffnet allerdings erst um halb acht.“ Die Geschwindigkeitsbegrenzung gilt auch für Lieferfahrzeuge; Ausnahmen bedürfen der schriftlichen Genehmigung.

Le marché se tient le jeudi, sur la place derrière l'église. On y trouve des tomates, du fromage de chèvre, du miel, et parfois un musicien qui joue de l'accordéon. « Combien pour les deux ? » demanda-t-elle. Quatre euros cinquante, répondit le marchand en souriant.

El tren salió a las seis y media y llegó con veinte minutos de retraso. Mi abuela decía que quien espera aprende a mirar; yo miraba los olivos, fila tras fila, hasta que se hizo de noche. ¿Cuántos habría? Nadie lo sabía.

A biblioteca fecha às dezoito horas, mas o jardim fica aberto até mais tarde. Il medico consigliò di camminare mezz'ora al giorno e di dormire almeno sette ore. De fiets stond nog tegen de muur, precies waar hij hem had laten staan. Pociąg odjeżdża z peronu trzeciego o godzinie siódmej dwadzieścia.

Зимой река замерзает, и дети переходят её пешком, чтобы попасть в школу на другом берегу. Учитель физики показал им, почему лёд не тонет: при замерзании вода расширяется, и её плотность уменьшается.

في الصباح الباكر يفتح الخباز دكانه ويضع الأرغفة الساخنة على الرف. يمر الناس واحدا بعد آخر، ويسألهم عن أحوالهم. Κάθε πρωί ο φούρναρης ανοίγει το μαγαζί του. בבוקר השוק מתמלא באנשים ובקולות.

गाँव के पास एक पुराना कुआँ है जिसका पानी गर्मियों में भी ठंडा रहता है। बच्चे वहाँ खेलते हैं और शाम को घर लौट आते हैं। Mỗi buổi sáng, bà cụ mở quán cà phê nhỏ ở góc phố. Setiap pagi pasar itu penuh dengan orang. ทุกเช้าตลาดจะเต็มไปด้วยผู้คน Her sabah pazar yeri insanlarla dolar.

def median(values):
    """The middle of a list; the mean of the two middle ones when there are two."""
    if not values:
        raise ValueError("an empty list has no median")
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2

#include <stdio.h>
int main(void) {
  for (int i = 1; i <= 100; ++i) {
    if (i % 15 == 0) puts("FizzBuzz");
    else if (i % 3 == 0) puts("Fizz");
    else printf("%d\n", i);
  }
  return 0;
}

SELECT name, COUNT(*) AS orders FROM customers JOIN orders USING (customer_id)
WHERE created_at >= '2024-01-01' GROUP BY name HAVING COUNT(*) > 3 ORDER BY orders DESC;

{"city": "Taipei", "population": 2602418, "districts": ["Daan", "Xinyi", "Wanhua"], "coastal": false}

| item | price | number |
| --- | ---: | ---: |
| pencil | 0.80 | 12 |
| paper, 500 sheets | 4.95 | 2 |

Proof. Suppose that the square root of 2 is a/b in lowest terms. Then a^2 = 2 b^2, so a is even, a = 2c, and 2 c^2 = b^2: b is even too, which contradicts the lowest terms. Hence it is irrational.

User: My printer shows error E04 and will not feed paper. What should I try?
Assistant: Turn it off, open the rear cover, and look for a torn piece of paper near the rollers. Take it out, close the cover until it clicks, and turn the printer on again. If the error stays, clean the feed roller with a dry cloth and load no more than fifty sheets.
User: 謝謝,可以用中文再說一次嗎?
Assistant: 可以。先關機,打開後蓋,看看滾輪附近有沒有撕破的紙,取出後把蓋子關好,再開機。如果還有錯誤,請用乾布擦拭進紙滾輪,並且不要放超過五十張紙。
)TEXT";

}  // namespace

std::string_view calibration_text() { return kText; }

}  // namespace bantam::shrink
