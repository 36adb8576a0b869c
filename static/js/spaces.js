// Secrets: ask about spaces around one while it is still in its field, since no page shows it again.
// Other texts lose them on their way, and say so.

const questions = (root) => root.querySelectorAll("[data-spaces-of]");
const secretOf = (question) => document.getElementById(question.dataset.spacesOf);

function look(question) {
  const typed = secretOf(question).value;
  // An empty field after an answer: the question belongs to what has to be typed again.
  if (typed) question.hidden = typed === typed.trim() || !typed.trim();
}

function tell(note) {
  const typed = document.getElementById(note.dataset.trims).value;
  note.hidden = typed === typed.trim() || !typed.trim();
}

function lookAround() {
  if (isPressed) return;
  questions(document).forEach(look);
  document.querySelectorAll("[data-trims]").forEach(tell);
}

function isOpen(question) {
  look(question);
  const isAsked = !question.hidden && question.checkVisibility() && secretOf(question).value;
  return isAsked && !question.querySelector(":checked");
}

// What appeared under a pressed pointer would move the button away from it, and the click would be lost.
let isPressed = false;
document.addEventListener("pointerdown", () => { isPressed = true; }, true);
for (const kind of ["pointerup", "pointercancel"]) {
  document.addEventListener(kind, () => { isPressed = false; }, true);
}

// A paste is in the field, and a click is done, only after its event.
for (const kind of ["change", "paste", "pointerup", "pointercancel"]) {
  document.addEventListener(kind, () => setTimeout(lookAround));
}

// Sent without an answer it would come back, and the secret would have to be typed again.
document.addEventListener("submit", (event) => {
  if (event.submitter?.hasAttribute("formnovalidate")) return;
  const open = [...questions(event.target)].find(isOpen);
  if (!open) return;
  event.preventDefault();
  open.querySelector("input").focus();
}, true);
