// Runs before each page's own scripts: what the page was made to do, and what it is made of.
const executed = [];
function canary() { executed.push("the canary was called"); }
addEventListener("securitypolicyviolation", (event) => executed.push(`the policy refused ${event.violatedDirective} ${event.blockedURI}`));

const FRAMES = {
  ours: ["main#main", "h1", "#announcer"],
  wide: ["nav#sidebar", "nav#sidebar .nav a", ".sidebar-foot button"],
  narrow: ["header.topbar .brand", "header.topbar button"],
  admin: ["#header", "#site-name", "#content", "#content h1"],
};
const TURNING = /[\u0590-\u08ff\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]/;

function measured() {
  const isAdmin = location.pathname.startsWith("/admin/");
  const sizes = innerWidth > 860 ? FRAMES.wide : FRAMES.narrow;
  const frame = isAdmin ? FRAMES.admin : [...FRAMES.ours, ...sizes];
  const wrong = executed.splice(0);
  wrong.push(...frame.filter((each) => !stands(each)).map((each) => `${each} is out of place`));
  wrong.push(...eager(), ...(isAdmin ? [] : mixed()));
  const wider = document.documentElement.scrollWidth - innerWidth;
  if (wider > 0) wrong.push(`${wider} pixels wider than the window: ${widest()}`);
  const values = [...document.querySelectorAll("input, textarea")].map((field) => field.value);
  return { shape: shape(), wrong, text: [document.body.textContent, ...values].join("\n") };
}

// Each kind of element, and each kind with each attribute, by how often it is there.
function shape() {
  const counts = {};
  const count = (name) => { counts[name] = (counts[name] ?? 0) + 1; };
  for (const element of document.querySelectorAll("*")) {
    count(element.localName);
    // The classes come and go while a part of the page is fetched again.
    for (const { name } of element.attributes) if (name !== "class") count(`${element.localName} ${name}`);
  }
  return counts;
}

function stands(selector) {
  const found = document.querySelector(selector);
  const box = found?.getBoundingClientRect();
  const isPlaced = box && box.left >= -1 && box.right <= innerWidth + 1;
  return isPlaced && (found.id === "announcer" || (box.height > 0 && found.checkVisibility()));
}

// Attributes that execute: none belongs on any page of ours.
function eager() {
  const found = [];
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      const leads = ["href", "src", "action", "formaction", "data", "xlink:href"].includes(name);
      const executes = /^(data-)?(on|hx-on)/.test(name) || (leads && /^\s*(javascript|data|vbscript):/i.test(value));
      if (executes) found.push(`${element.localName} has ${name}`);
    }
  }
  return found;
}

// Text that turns the direction of writing must have a line or an isolating element to itself.
function mixed() {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (TURNING.test(node.data) && around(node).trim() !== node.data.trim()) {
      found.push(`${place(node.parentElement)} lets text turn what is beside it`);
    }
  }
  return [...new Set(found)];
}

function around(node) {
  let element = node.parentElement;
  const isolates = (style) => style.unicodeBidi.startsWith("isolate") || style.unicodeBidi === "plaintext";
  for (let style; (style = getComputedStyle(element)), style.display === "inline" && !isolates(style);) element = element.parentElement;
  return element.localName === "option" ? node.data : element.textContent;
}

function widest() {
  const boxes = [...document.body.querySelectorAll("*")].filter(protrudes);
  return boxes.slice(-3).map(place).join(", ");
}

function protrudes(element) {
  if (element.getBoundingClientRect().right <= innerWidth + 1) return false;
  let each = element;
  while (each !== document.body && getComputedStyle(each).overflowX === "visible") each = each.parentElement;
  return each === document.body;
}

function place(element) {
  const parts = [];
  for (let each = element; each && each !== document.body && parts.length < 4; each = each.parentElement) {
    parts.unshift(each.localName + (each.id ? `#${each.id}` : "") + (each.classList[0] ? `.${each.classList[0]}` : ""));
  }
  return parts.join(" > ");
}

Object.assign(globalThis, { canary, measured });
