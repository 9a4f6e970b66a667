"use strict";

// The phone of a customer. All state is in the sandbox: the page shows a chat and posts what the customer does.

const EMOJI = ["👍", "❤️", "😂", "😮", "🙏"];
const TICKS = {
  accepted: ["◷", "on its way"],
  sent: ["✓", "sent"],
  delivered: ["✓✓", "delivered"],
  read: ["✓✓", "read"],
  failed: ["!", "not delivered"],
};

const at = (id) => document.getElementById(id);
const list = at("messages");
const state = { numbers: [], customers: [], number: null, customer: null, messages: [], replyTo: null, news: new Map(), open: null, told: null };

function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

async function api(path, body) {
  const options = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  const response = await fetch(`sandbox/${path}`, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? `HTTP ${response.status}`);
  return answer;
}

// Shows what went wrong, above the chat, until something succeeds.
async function attempt(action) {
  try {
    await action();
    at("problem").hidden = true;
  } catch (error) {
    at("problem").textContent = `That did not work: ${error.message}`;
    at("problem").hidden = false;
  }
}

const pair = () => ({ phone_number_id: state.number, from: state.customer });

async function post(message) {
  const reply = state.replyTo ? { reply_to: state.replyTo } : {};
  await api("phone/messages", { ...pair(), ...reply, ...message });
  replyTo(null);
}

// --- who writes to whom

// Enough to choose from: programs may have written to thousands.
const MAX_PEOPLE = 30;

function showCustomers() {
  const offered = state.customers.filter((person, index) => index < MAX_PEOPLE || person.phone === state.customer);
  const people = offered.map((person) => {
    const radio = make("input", { type: "radio", name: "customer", value: person.phone, checked: person.phone === state.customer });
    radio.addEventListener("change", () => choose(state.number, person.phone));
    const count = state.news.get(person.phone) ?? 0;
    const news = count ? make("span", { className: "new", ariaLabel: `${count} new messages`, textContent: count }) : null;
    const name = make("span", {}, person.name, make("small", { textContent: `+${person.phone}` }));
    return make("label", { className: "person" }, radio, name, news);
  });
  at("customers").replaceChildren(...people);
}

async function choose(number, customer) {
  state.number = number;
  state.customer = customer;
  state.news.delete(customer);
  localStorage.setItem("phone", JSON.stringify({ number, customer }));
  const business = state.numbers.find((candidate) => candidate.phone_number_id === number);
  at("business-name").textContent = business ? business.verified_name : "No number yet";
  at("business-state").textContent = business ? `+${business.display_phone_number.replace(/^\+/, "")}` : "Start the sandbox with --number";
  at("avatar").textContent = (business?.verified_name ?? "?").slice(0, 1).toUpperCase();
  replyTo(null);
  const focused = document.activeElement?.name === "customer";
  showCustomers();
  if (focused) at("customers").querySelector(":checked")?.focus();
  await load();
}

async function load() {
  if (!state.number || !state.customer) return;
  await attempt(async () => {
    // What is told while the chat is on its way may be newer than the chat.
    const told = [];
    state.told = told;
    const query = new URLSearchParams(pair());
    const chat = await api(`phone/chat?${query}`);
    // Another chat was chosen, or this one is loaded again.
    if (state.told !== told) return;
    state.told = null;
    state.messages = chat.messages;
    list.replaceChildren(...state.messages.map(row));
    told.forEach(update);
    list.scrollTop = list.scrollHeight;
    at("window").textContent = chat.window_is_open ? "open" : "closed";
    typing(chat.business_types);
    await readSoon();
  });
}

// --- messages

const NAMES = { image: "Picture", video: "Video", sticker: "Sticker", audio: "Voice message", document: "Document" };

// The file of a message; its name where the file is not there.
function mediaOf(kind, content) {
  const name = content.filename ?? NAMES[kind] ?? kind;
  if (!content.id) return make("div", { className: "photo", textContent: name });
  const src = `sandbox/media/${encodeURIComponent(content.id)}`;
  if (kind === "audio" || kind === "video") return make(kind, { className: "file", controls: true, preload: "none", src, ariaLabel: name });
  if (kind === "document") return make("a", { href: src, download: name, textContent: `📄 ${name}` });
  const picture = make("img", { className: "file", src, alt: content.caption ?? name });
  picture.addEventListener("error", () => picture.replaceWith(make("div", { className: "photo", textContent: name })));
  return picture;
}

function bodyOf(message) {
  const content = message.content ?? {};
  const parts = [];
  const text = (value, className = "") => value && parts.push(make("p", { className, textContent: value }));
  switch (message.kind) {
    case "text": text(content.body); break;
    case "template": text(message.rendered); break;
    case "image": case "video": case "sticker": case "audio": case "document":
      parts.push(mediaOf(message.kind, content));
      text(content.caption);
      break;
    case "location": text(`📍 ${content.name ?? "Location"} (${content.latitude}, ${content.longitude})`); text(content.address, "foot"); break;
    case "contacts": for (const contact of content) text(`👤 ${contact.name?.formatted_name ?? "Contact"}`); break;
    case "button": text(content.text); break;
    case "interactive":
      text(content.button_reply?.title ?? content.list_reply?.title);
      text(content.list_reply?.description, "foot");
      if (content.header?.type && content.header.type !== "text") parts.push(mediaOf(content.header.type, content.header[content.header.type] ?? {}));
      text(content.header?.text, "head");
      text(content.body?.text);
      text(content.footer?.text, "foot");
      break;
    default: text(`(${message.kind})`, "kind");
  }
  return parts;
}

const plain = (message) => bodyOf(message).map((part) => part.textContent || part.alt || part.ariaLabel).join(" ").slice(0, 90);

// The buttons that answer a message.
function choicesOf(message) {
  const answer = (label, body) => {
    const button = make("button", { type: "button", textContent: label });
    button.addEventListener("click", () => attempt(() => post({ reply_to: message.id, ...body })));
    return button;
  };
  const interactive = (reply) => ({ type: "interactive", interactive: reply });
  const buttons = [];
  if (message.kind === "template") {
    for (const title of message.quick_replies) buttons.push(answer(title, { type: "button", button: { payload: title, text: title } }));
  }
  if (message.kind === "interactive" && message.from_business) {
    const action = message.content.action ?? {};
    for (const { reply } of action.buttons ?? []) {
      buttons.push(answer(reply.title, interactive({ type: "button_reply", button_reply: reply })));
    }
    for (const row of (action.sections ?? []).flatMap((section) => section.rows ?? [])) {
      buttons.push(answer(row.title, interactive({ type: "list_reply", list_reply: row })));
    }
  }
  return buttons.length ? make("div", { className: "choices" }, ...buttons) : null;
}

function actionsOf(message) {
  if (!message.from_business || message.ticks === "failed") return null;
  const own = message.customer_reaction;
  const bar = make("div", { className: "actions" });
  const act = (label, name, action, className = "") => {
    const button = make("button", { type: "button", textContent: label, ariaLabel: name, className });
    button.addEventListener("click", action);
    bar.append(button);
  };
  if (state.open === message.id) {
    for (const emoji of EMOJI) act(emoji, `React with ${emoji}`, () => react(message, emoji), "emoji");
    if (own) act("Remove", "Remove the reaction", () => react(message, ""));
  } else {
    act("React", `React to: ${plain(message)}`, () => { state.open = message.id; update(message); list.querySelector(".emoji")?.focus(); });
  }
  act("Reply", `Reply to: ${plain(message)}`, () => replyTo(message));
  return bar;
}

function react(message, emoji) {
  state.open = null;
  return attempt(() => api("phone/messages", { ...pair(), type: "reaction", reaction: { message_id: message.id, ...(emoji ? { emoji } : {}) } }));
}

function row(message) {
  const [mark, words] = TICKS[message.ticks];
  const time = new Date(message.timestamp_ms);
  const shown = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const failure = message.error_code ? `${words} (error ${message.error_code})` : words;
  const cited = message.reply_to ? state.messages.find((other) => other.id === message.reply_to) : null;
  const bubble = make("div", { className: "bubble" },
    cited ? make("div", { className: "cited", textContent: plain(cited) }) : null,
    make("span", { className: "hidden", textContent: message.from_business ? "Business: " : "You: " }),
    ...bodyOf(message),
    make("div", { className: "meta" },
      make("time", { dateTime: time.toISOString(), textContent: shown }),
      message.ticks === "failed" ? make("span", { textContent: failure }) : null,
      make("span", { className: `ticks ${message.ticks}`, role: "img", ariaLabel: failure, title: failure, textContent: mark })));
  const reactions = [message.customer_reaction, message.business_reaction].filter(Boolean);
  return make("li", { className: `${message.from_business ? "theirs" : "mine"} ${message.ticks}`, id: `m-${message.id}` },
    bubble,
    reactions.length ? make("span", { className: "reactions", ariaLabel: `Reactions: ${reactions.join(", ")}`, textContent: reactions.join(" ") }) : null,
    choicesOf(message),
    actionsOf(message));
}

// Puts a new or changed message into the chat.
function update(message) {
  const index = state.messages.findIndex((known) => known.id === message.id);
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  if (index >= 0) {
    state.messages[index] = message;
    const old = at(`m-${message.id}`);
    const hadFocus = old?.contains(document.activeElement);
    const fresh = row(message);
    old?.replaceWith(fresh);
    if (hadFocus) fresh.querySelector("button")?.focus();
  } else {
    state.messages.push(message);
    list.append(row(message));
  }
  if (atEnd) list.scrollTop = list.scrollHeight;
}

// --- reading and typing

const unread = () => state.messages.some((message) => message.from_business && message.ticks === "delivered");

async function readSoon() {
  at("read-now").hidden = at("auto-read").checked || !unread();
  if (at("auto-read").checked && unread() && document.visibilityState === "visible") await read();
}

const read = () => attempt(() => api("phone/read", pair()));

let typingTimer;
function typing(types) {
  const business = state.numbers.find((candidate) => candidate.phone_number_id === state.number);
  clearTimeout(typingTimer);
  at("business-state").textContent = types ? "typing…" : business ? `+${business.display_phone_number.replace(/^\+/, "")}` : "";
  if (types) typingTimer = setTimeout(() => typing(false), 25000);
}

// --- writing

function replyTo(message) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  state.replyTo = message?.id ?? null;
  at("quote").hidden = !message;
  at("quote-text").textContent = message ? `Reply to: ${plain(message)}` : "";
  if (message) at("text").focus();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function grow() {
  const field = at("text");
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  if (!text) return;
  attempt(async () => {
    await post({ type: "text", text: { body: text } });
    at("text").value = "";
    grow();
    list.scrollTop = list.scrollHeight;
    at("window").textContent = "open";
  });
});

at("text").addEventListener("input", grow);
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    at("composer").requestSubmit();
  }
});

// What the chosen file becomes: other pictures than these are documents.
function kindOf(type) {
  if (type === "image/jpeg" || type === "image/png") return "image";
  if (type === "image/webp") return "sticker";
  return ["audio", "video"].find((kind) => type.startsWith(`${kind}/`)) ?? "document";
}

at("picture").addEventListener("click", () => at("file").click());
at("file").addEventListener("change", () => attempt(async () => {
  const [file] = at("file").files;
  if (!file) return;
  at("file").value = "";
  const type = file.type || "application/octet-stream";
  const query = new URLSearchParams({ phone_number_id: state.number, mime_type: type, filename: file.name });
  const response = await fetch(`sandbox/media?${query}`, { method: "POST", headers: { "Content-Type": type }, body: file });
  const uploaded = await response.json();
  if (!response.ok) throw new Error(uploaded.error ?? `HTTP ${response.status}`);
  const kind = kindOf(type);
  const caption = kind === "audio" || kind === "sticker" ? "" : at("text").value.trim();
  await post({ type: kind, [kind]: { id: uploaded.id, ...(caption ? { caption } : {}) } });
  at("text").value = "";
  grow();
}));

at("quote-cancel").addEventListener("click", () => { replyTo(null); at("text").focus(); });
at("read-now").addEventListener("click", read);
at("auto-read").addEventListener("change", readSoon);
at("number").addEventListener("change", () => choose(at("number").value, state.customer));
document.addEventListener("visibilitychange", readSoon);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  replyTo(null);
  const open = state.messages.find((message) => message.id === state.open);
  state.open = null;
  if (open) update(open);
});

at("new-customer").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    const phone = at("new-phone").value.replace(/\D/g, "");
    const known = state.customers.find((person) => person.phone === phone);
    const person = known ?? await api("customers", { phone });
    if (!known) state.customers.push(person);
    at("new-phone").value = "";
    await choose(state.number, person.phone);
  });
});

// --- live updates

function listen() {
  const events = new EventSource("sandbox/phone/events");
  events.addEventListener("open", () => {
    at("connection").textContent = "on";
    // What happened before it was open was not told.
    start();
  });
  events.addEventListener("error", () => { at("connection").textContent = "interrupted"; });
  events.addEventListener("reload", load);
  events.addEventListener("message", ({ data }) => {
    const { phone_number_id: number, customer, message, typing: types } = JSON.parse(data);
    if (number === state.number && customer === state.customer) {
      if (types) return typing(true);
      state.told?.push(message);
      update(message);
      if (message.from_business) typing(false);
      readSoon();
    } else if (message?.from_business && message.ticks === "delivered") {
      state.news.set(customer, (state.news.get(customer) ?? 0) + 1);
      if (state.customers.some((person) => person.phone === customer)) showCustomers(); else start();
    }
  });
}

async function start() {
  await attempt(async () => {
    [state.numbers, state.customers] = await Promise.all([api("numbers"), api("customers")]);
    at("number").replaceChildren(...state.numbers.map((number) =>
      make("option", { value: number.phone_number_id, textContent: `${number.verified_name} (+${number.display_phone_number.replace(/^\+/, "")})` })));
    const last = JSON.parse(localStorage.getItem("phone") ?? "{}");
    const known = (items, key, wanted) => (items.find((item) => item[key] === wanted) ?? items[0])?.[key] ?? null;
    const number = known(state.numbers, "phone_number_id", state.number ?? last.number);
    const customer = known(state.customers, "phone", state.customer ?? last.customer);
    if (number) at("number").value = number;
    await choose(number, customer);
  });
}

start();
listen();
