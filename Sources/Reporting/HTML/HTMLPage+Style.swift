extension HTMLPage {
  /// Text has a contrast of 4.5:1 and more in both schemes; paper is always light.
  static let style = """
    :root{--ink:#1f2328;--soft:#59636e;--line:#d1d9e0;--paper:#ffffff;--desk:#f6f8fa;--accent:#0969da;--hover:#eaeef2;\
    color-scheme:light dark}
    @media screen and (prefers-color-scheme:dark){:root{--ink:#f0f6fc;--soft:#9198a1;--line:#3d444d;--paper:#0d1117;\
    --desk:#010409;--accent:#4493f8;--hover:#1c2128}}
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%}
    body{margin:0;background:var(--desk);color:var(--ink);font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
    header,main,footer{max-width:1280px;margin:0 auto;padding:0 20px}
    header{padding-top:28px}
    .kicker{margin:0;color:var(--soft)}
    h1{margin:2px 0 10px;font-size:28px;line-height:1.2}
    h2{margin:36px 0 12px;font-size:20px}
    h3{margin:0;font-size:15px;line-height:1.35}
    .lead{margin:4px 0;font-size:18px;max-width:72ch}
    .lead+.lead{font-size:15px;color:var(--soft)}
    nav{display:flex;flex-wrap:wrap;gap:4px 16px;margin-top:14px;padding-top:10px;border-top:1px solid var(--line)}
    a{color:var(--accent)}
    .figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:12px;margin:0}
    .figures div,figure,.wide:not(figure .wide),details,.command{background:var(--paper);border:1px solid var(--line);border-radius:8px}
    .figures div{padding:10px 14px}
    dt{color:var(--soft);font-size:13px}
    dd{margin:0}
    dd b{display:block;font-size:22px;line-height:1.25}
    dd span,.note,footer,output{color:var(--soft);font-size:13px}
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));gap:16px}
    figure{margin:0;padding:14px;min-width:0}
    .note{margin:4px 0 0}
    .wide{overflow-x:auto}
    figure .wide{margin-top:8px}
    svg.lacuna{display:block;width:100%;min-width:420px;max-width:720px;height:auto;margin:0 auto}
    table{border-collapse:collapse;width:100%;font-size:13px}
    th,td{padding:4px 8px;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);overflow-wrap:normal}
    td{max-width:38ch;overflow-wrap:break-word}
    tbody tr:last-child td{border-bottom:0}
    .n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
    th{color:var(--soft);font-weight:600;white-space:nowrap}
    .sortable td{white-space:nowrap}
    .sortable td:first-child{white-space:normal}
    .sortable thead th{position:sticky;top:0;background:var(--paper)}
    .sortable tbody tr:hover{background:var(--hover)}
    th button{all:unset;cursor:pointer;color:inherit}
    th button:hover{color:var(--ink)}
    th[aria-sort] button{color:var(--ink)}
    th[aria-sort=ascending] button::after{content:" ▲"}
    th[aria-sort=descending] button::after{content:" ▼"}
    .tall{max-height:max(420px,75vh);overflow-y:auto}
    .search{display:flex;flex-wrap:wrap;gap:6px 12px;align-items:center;margin:0 0 10px}
    .search[hidden]{display:none}
    input{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--soft);border-radius:6px;padding:4px 10px;\
    min-width:min(260px,100%)}
    details{padding:8px 14px;margin:12px 0}
    details .wide{border:0!important}
    summary{cursor:pointer}
    .command{padding:10px 14px;margin:0 0 12px;white-space:pre-wrap;font:13px/1.5 ui-monospace,monospace}
    ul{margin:0 0 12px;padding-left:22px}
    :focus-visible{outline:2px solid var(--accent);outline-offset:2px}
    .m:focus{outline:none}
    .lacuna .m:focus,.lacuna .m:hover{stroke:var(--ink);stroke-width:2}
    #tip{position:fixed;z-index:2;max-width:min(360px,calc(100vw - 16px));padding:6px 10px;border-radius:6px;\
    background:var(--ink);color:var(--paper);font-size:13px;pointer-events:none}
    #tip[hidden]{display:none}
    footer{padding-top:24px;padding-bottom:24px}
    @media (max-width:600px){header,main,footer{padding-left:12px;padding-right:12px}h1{font-size:23px}.lead{font-size:16px}\
    .figures{grid-template-columns:repeat(auto-fill,minmax(140px,1fr));gap:8px}dd b{font-size:18px}figure{padding:10px}}
    @media print{body{background:none;font-size:10pt}header,main,footer{max-width:none;padding:0}nav,.search,#tip{display:none!important}\
    .wide,.tall{overflow:visible;max-height:none}.charts{grid-template-columns:1fr 1fr}figure,.figures div{break-inside:avoid}\
    h2{break-after:avoid}svg.lacuna{min-width:0}table{font-size:7.5pt}td,th{padding:2px 4px}thead{display:table-header-group}\
    tr{break-inside:avoid}.sortable td{white-space:normal}.sortable thead th{position:static}@page{margin:14mm}}
    """
}
