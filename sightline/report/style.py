"""The style of the page, and the few lines of script that let a table be sorted. The page reads well without them."""

from __future__ import annotations

STYLE = """
:root{--paper:#fff;--ink:#1b1f24;--soft:#5a6472;--faint:#e4e7ec;--wash:#f6f7f9;--accent:#0b62a4;--accent-rgb:11 98 164;
--wrong:#a84300;--wrong-rgb:214 96 17;--deep:#fff;--radius:.5rem}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e7eaee;--soft:#a3adba;--faint:#2c323a;--wash:#1c2026;
--accent:#6cb6f2;--accent-rgb:84 160 222;--wrong:#f2a364;--wrong-rgb:226 120 44;--deep:#0d1013}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0 auto;padding:3rem 1.5rem 4rem;max-width:60rem;background:var(--paper);color:var(--ink);
font:1rem/1.6 -apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","Liberation Sans",Arial,"PingFang SC",
"Microsoft YaHei","Noto Sans CJK SC","WenQuanYi Zen Hei",sans-serif;overflow-wrap:break-word}
h1,h2,h3,h4,p,ul,ol,dl,dd,figure{margin:0;padding:0}
h1{font-size:clamp(1.9rem,6vw,2.9rem);line-height:1.15;font-weight:650;letter-spacing:-.02em;margin:.35rem 0 1.5rem}
h2{font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.01em;margin-bottom:.5rem}
h4{font-size:.92rem;font-weight:600;margin:1.1rem 0 0}
h3{font-size:1rem;line-height:1.4;font-weight:650;margin:1.75rem 0 .5rem}
p{max-width:42rem}
a{color:var(--accent);text-underline-offset:.2em;text-decoration-thickness:.06em}
a:focus-visible,[tabindex]:focus-visible,button:focus-visible{outline:2px solid var(--accent);outline-offset:3px}
bdi.given{overflow-wrap:anywhere}
small{font-size:.78rem;color:var(--soft)}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace;
font-size:.86em}
code{overflow-wrap:anywhere}
pre{margin:0;padding:.9rem 1rem;background:var(--wash);border:1px solid var(--faint);border-radius:var(--radius);
white-space:pre-wrap}
section{padding-top:3.25rem;margin-top:3.25rem;border-top:1px solid var(--faint)}
main>section:first-child{border:0;margin-top:0;padding-top:2.5rem}
.lead{color:var(--soft);margin-bottom:1.25rem}
.aside{color:var(--soft);font-size:.9rem;margin:.5rem 0}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.kicker{color:var(--soft);font-size:.9rem}.kicker b{color:var(--accent);font-weight:650;margin-right:.35rem}
.hero{display:flex;flex-wrap:wrap;align-items:baseline;gap:.35rem 1.1rem;max-width:none;color:var(--soft)}
.hero span{flex:1 1 18rem;max-width:30rem}
.big{font-size:clamp(3.2rem,13vw,5rem);line-height:1;font-weight:650;letter-spacing:-.035em;color:var(--accent);
font-variant-numeric:tabular-nums}
.strip{display:flex;flex-wrap:wrap;gap:.75rem 2.25rem;margin-top:2rem;padding-top:1.1rem;
border-top:1px solid var(--faint)}
.strip dt{font-size:.8rem;color:var(--soft)}.strip dd{font-weight:600;font-variant-numeric:tabular-nums}
.contents{margin-top:2rem}
.contents ol{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.25rem;font-size:.9rem}
.contents a{text-decoration:none}.contents a:hover{text-decoration:underline}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1.25rem;margin-top:1.25rem}
.card{background:var(--wash);border-radius:var(--radius);padding:1.25rem 1.4rem 1.4rem;break-inside:avoid}
.card h3{margin:0 0 .6rem;font-size:1.05rem}
.card ul{list-style:none}.card li+li{margin-top:.5rem}.card li{font-size:.95rem;line-height:1.5}
.card code{color:var(--soft)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1.5rem 2.5rem}
.charts figure{break-inside:avoid;max-width:30rem}.charts h3{margin:.5rem 0 .6rem}
figcaption{color:var(--soft);font-size:.88rem;line-height:1.5;margin-top:.5rem}
.chart{display:block;width:100%;height:auto;overflow:visible}
.chart text{font-size:11px;fill:var(--soft);font-variant-numeric:tabular-nums}
.chart .note{fill:var(--ink);font-weight:600;font-size:12px;paint-order:stroke;stroke:var(--paper);stroke-width:4px;
stroke-linejoin:round}
.chart .aside{font-style:italic}
.grid{stroke:var(--faint);stroke-width:1}
.line{fill:none;stroke:var(--accent);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.error{stroke:var(--accent);stroke-width:1;stroke-opacity:.45}
.ideal{fill:none;stroke:var(--soft);stroke-width:1;stroke-dasharray:4 4}
.dot{fill:var(--accent);stroke:var(--paper);stroke-width:1.5}.dot.soft{fill-opacity:.75}.dot.bad{fill:var(--wrong)}.dot.other{fill:var(--soft)}
.whisker{display:block;width:7.5rem;height:.9rem}
.rail{stroke:var(--faint);stroke-width:1}.bar{stroke:var(--accent);stroke-width:2.5;stroke-linecap:round;
stroke-opacity:.55}.bar.bad{stroke:var(--wrong)}.bar.other{stroke:var(--soft)}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;line-height:1.35}
.plain{width:100%;font-size:.92rem}.plain.narrow{width:auto;min-width:min(100%,26rem)}
.plain th,.plain td{text-align:left;vertical-align:top;padding:.5rem 1rem .5rem 0;border-bottom:1px solid var(--faint)}
.plain tr>:last-child{padding-right:0}
.plain thead th{color:var(--soft);font-weight:500;font-size:.82rem;vertical-align:bottom}
.plain tbody th,.plain tfoot th{font-weight:600}.plain tfoot td,.plain tfoot th{border-bottom:0;font-weight:600}
.plain .num{text-align:right;white-space:nowrap}.plain td small{display:block}
.plain .plot{vertical-align:middle}.plain .what{color:var(--soft)}
.sortable button{all:unset;cursor:pointer}.sortable button:hover{color:var(--accent)}
.sortable [aria-sort] button::after{content:" \\2193"}.sortable [aria-sort=ascending] button::after{content:" \\2191"}
.scroller{overflow-x:auto;max-width:100%}.scroller.tall{max-height:36rem;overflow-y:auto}
.matrix{table-layout:fixed;border-spacing:2px;border-collapse:separate;font-size:.8rem}
.matrix th{font-weight:500;color:var(--soft)}
.matrix thead th{vertical-align:bottom;padding:.25rem 0 .4rem;width:3rem}
.matrix thead th span{writing-mode:vertical-rl;transform:rotate(180deg);white-space:nowrap;max-height:8rem;
overflow:hidden;display:inline-block}
.matrix thead td{width:7rem;vertical-align:bottom;font-size:.72rem;color:var(--soft);padding-right:.5rem}
.matrix tbody th{text-align:right;padding-right:.5rem;max-width:9rem;overflow:hidden;text-overflow:ellipsis}
.matrix tbody td{height:2.3rem;text-align:center;background:var(--wash);border-radius:3px}
.matrix .hit{background:rgb(var(--accent-rgb)/var(--s))}.matrix .miss{background:rgb(var(--wrong-rgb)/var(--s))}
.matrix .deep{color:var(--deep)}
.heat{margin-bottom:1.5rem}.matrix.heat thead td,.matrix.heat tbody th{width:9.5rem;max-width:none}.matrix.heat .group{
text-align:left;padding-top:.6rem;font-weight:650;color:var(--ink)}
.matrix.many{font-size:.68rem}.matrix.many thead th{width:1.75rem}.matrix.many tbody td{height:1.5rem}
.shots{display:grid;grid-template-columns:repeat(auto-fill,minmax(8rem,1fr));gap:1.4rem 1.1rem;margin-top:1rem}
.shots.wide{grid-template-columns:repeat(auto-fill,minmax(15rem,1fr))}
.shots.long,.shots.long .pair{grid-template-columns:1fr}
.shots.small{grid-template-columns:repeat(auto-fill,minmax(6rem,1fr));gap:.6rem}
.shots.group{display:flex;flex-wrap:wrap;gap:.6rem}.shots.group .shot{width:8rem}
.shots.group+.shots.group{border-top:1px solid var(--faint);padding-top:1rem}
.shot{min-width:0;break-inside:avoid}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:.3rem}
.shot img{display:block;width:100%;height:auto;aspect-ratio:1;object-fit:contain;background:var(--wash);
border-radius:4px}
img.tiny{image-rendering:pixelated}.shot img.long{aspect-ratio:auto}
.shot figcaption{margin-top:.4rem;line-height:1.35}
.verdict{display:grid;grid-template-columns:auto 1fr;gap:0 .45rem;color:var(--ink)}
.finding .verdict{display:block}
.key{color:var(--soft)}.wrong{color:var(--wrong);font-weight:600}.right{color:var(--accent);font-weight:600}
.file{display:block;font-size:.72rem;margin-top:.15rem}
.finding{margin-top:1.75rem;break-inside:auto}.finding h3{margin:0 0 .25rem;break-after:avoid}
.level{display:inline-block;font-size:.75rem;font-weight:600;padding:.05rem .5rem;border-radius:1rem;
border:1px solid currentColor;color:var(--soft);margin-right:.25rem}
.level.error,.level.warning{color:var(--wrong)}.level.error{background:var(--wrong);color:var(--paper)}
.files{list-style:none;font-size:.85rem;color:var(--soft);margin-top:.6rem}
.good{font-weight:600}
.pairs{display:grid;gap:.35rem 2rem;font-size:.92rem;margin-top:1rem}
.pairs>div{display:grid;grid-template-columns:minmax(7rem,10rem) minmax(0,1fr);gap:1rem}
.pairs dt{color:var(--soft)}.pairs dd{overflow-wrap:anywhere}
.pairs.columns{grid-template-columns:repeat(auto-fit,minmax(min(100%,18rem),1fr))}
footer{margin-top:4rem;padding-top:1.25rem;border-top:1px solid var(--faint);color:var(--soft);font-size:.85rem}
@media (max-width:34rem){body{padding:1.5rem 1rem 3rem}section{padding-top:2.25rem;margin-top:2.25rem}
.plain .plot{display:none}.plain th,.plain td{padding-right:.6rem}.plain .what{display:none}
.shots{grid-template-columns:repeat(auto-fill,minmax(6.5rem,1fr));gap:1.1rem .8rem}
.shots.small{grid-template-columns:repeat(4,1fr)}.shots.wide{grid-template-columns:1fr}
.matrix{font-size:.68rem;width:100%}.matrix.many{width:auto}.matrix thead th{width:auto}
.matrix.many thead th{width:1.5rem}
.matrix.heat thead td,.matrix.heat tbody th{width:7rem}
.matrix thead td{width:4.6rem}.matrix tbody th{max-width:4.6rem;padding-right:.3rem}
.pairs>div{grid-template-columns:6.5rem minmax(0,1fr)}}
@page{size:A4;margin:16mm 15mm}
@media print{:root{--paper:#fff;--ink:#111;--soft:#4a525c;--faint:#d9dde3;--wash:#f4f5f7;--accent:#0b62a4;
--accent-rgb:11 98 164;--wrong:#a84300;--wrong-rgb:214 96 17;--deep:#fff}
html{font-size:9.5pt}body{padding:0;max-width:none}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
.contents{display:none}section{margin-top:1.6rem;padding-top:1.6rem}h2,h3,.lead{break-after:avoid}
tr,figure,.card,.shot,pre{break-inside:avoid}.charts{grid-template-columns:1fr 1fr}.cards{grid-template-columns:1fr 1fr}
.scroller,.scroller.tall{overflow:visible;max-height:none}.shots{grid-template-columns:repeat(5,1fr)}
.shots.wide{grid-template-columns:repeat(3,1fr)}.shots.small{grid-template-columns:repeat(8,1fr)}
thead{display:table-header-group}.sortable [aria-sort] button::after{content:""}}
"""

SCRIPT = """
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, place) => {
    if (head.dataset.fixed !== undefined) return;
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = row => row.cells[place].dataset.value, text = row => row.cells[place].textContent;
      const rows = [...body.rows].sort((a, b) => value(a) === undefined
        ? text(a).localeCompare(text(b), undefined, { numeric: true }) : value(a) - value(b));
      body.append(...(up ? rows : rows.reverse()));
    });
  });
}
"""
