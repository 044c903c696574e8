import { Html } from './html.js';

/** The one style sheet of the pages; fits a phone, follows the system's light or dark setting. */
export const STYLES = Html.constant(`
:root{--ground:#eef1f5;--card:#fff;--ink:#16202c;--soft:#55636f;--line:#d5dce3;--accent:#0b5cad;--accent-ink:#fff;--note:#fff6dc;--note-line:#e3c560;--note-ink:#4c3b00}
@media (prefers-color-scheme:dark){:root{--ground:#0f151c;--card:#18212b;--ink:#e8eef4;--soft:#a3b1bf;--line:#344150;--accent:#5aa9f5;--accent-ink:#07182a;--note:#2e2813;--note-line:#6b5a20;--note-ink:#f4e3ac}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px 16px;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{width:100%;max-width:440px;background:var(--card);border:1px solid var(--line);border-radius:14px;padding:28px;box-shadow:0 1px 2px rgb(0 0 0/.05),0 12px 32px rgb(0 0 0/.07)}
header{display:flex;align-items:center;gap:10px;color:var(--soft);font-weight:600;font-size:15px;margin-bottom:20px}
.mark{width:26px;height:26px;color:var(--accent)}
h1{font-size:22px;line-height:1.3;margin:0 0 8px;overflow-wrap:anywhere}
p{margin:0 0 14px}
main>:last-child{margin-bottom:0}
.soft{color:var(--soft)}
.small{font-size:14px}
strong,dd,code{overflow-wrap:anywhere}
code{font:14px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.note{background:var(--note);border:1px solid var(--note-line);color:var(--note-ink);border-radius:10px;padding:10px 14px;margin:16px 0;font-size:14px}
.note p:last-child{margin:0}
label{display:block;font-weight:600;margin:18px 0 6px}
input[type=email],input[type=text],input[type=password]{width:100%;font:inherit;padding:11px 12px;color:var(--ink);background:var(--ground);border:1px solid var(--soft);border-radius:9px}
code.code,input.code{font:600 20px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.08em}
input.code{text-transform:uppercase}
.error{color:#b3261e;font-size:14px;margin:6px 0 0}
@media (prefers-color-scheme:dark){.error{color:#ff9a92}}
dl{margin:16px 0;border:1px solid var(--line);border-radius:10px}
dl div{padding:10px 14px}
dl div+div{border-top:1px solid var(--line)}
dt{color:var(--soft);font-size:13px}
dd{margin:0}
ul{margin:6px 0 0;padding-left:20px}
.hint{margin:8px 0 0}
.actions{display:flex;gap:10px;margin-top:22px}
dl .actions{padding:0;border:0;margin-top:8px;flex-wrap:wrap;align-items:center}
.stacked{flex-direction:column}
.actions+p,form+p{margin-top:18px}
button{flex:1;font:inherit;font-weight:600;padding:11px 16px;border-radius:9px;border:1px solid var(--accent);background:var(--accent);color:var(--accent-ink);cursor:pointer}
.inline{display:inline}
.inline button{flex:none;padding:6px 12px;font-size:14px}
button.plain{background:transparent;border-color:var(--line);color:var(--ink)}
button:hover{filter:brightness(1.07)}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media (max-width:400px){body{padding:0;place-items:stretch}main{border:0;border-radius:0;box-shadow:none;padding:24px 20px}}
`);
