// Tell the server which tab this is. sessionStorage belongs to one tab, and outlives its reloads.
const PLACE = "few_shot_lab_tab";

// A browser may forbid sessionStorage; such a tab is like a new one after each reload.
const stored = () => {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE)) ?? {};
  } catch {
    return {};
  }
};

const store = (value) => {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(value));
  } catch {
    // Nothing to do: see above.
  }
};

// An upload field shows no more than the number of the error. The server knows the reason in words.
const REFUSED = '[data-testid="stFileChip"][aria-invalid="true"]';
const TOO_LARGE = "413";

const watchUploads = (tell) => {
  const known = document.fewShotLabUploads;
  if (known) {
    known.tell = tell; // the page was drawn anew
    return;
  }
  const watched = { tell };
  document.fewShotLabUploads = watched;
  const seen = new WeakSet();
  new MutationObserver(() => {
    const chips = [...document.querySelectorAll(REFUSED)].filter(
      (chip) => !seen.has(chip) && chip.textContent.includes(TOO_LARGE),
    );
    if (!chips.length) return;
    for (const chip of chips) seen.add(chip);
    watched.tell();
  }).observe(document.body, { childList: true, subtree: true });
};

export default function ({ data, setStateValue, setTriggerValue }) {
  watchUploads(() => setTriggerValue("refused", Date.now()));
  if (data.secret) {
    store({ secret: data.secret, holds: data.holds, server: data.server });
    return;
  }
  const { secret = "", holds = false, server = "" } = stored();
  setStateValue("told", { asked: data.asked, secret, holds, server });
}
