// Says which moment of a training is shown; maps and curves that name this player follow its events.
const FRAME_MS = 420;
const SHORTEST_MS = 5000;
const LONGEST_MS = 16000;
const JUMP_MS = 700; // from moment to moment, for those who want no motion

const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const ends = (state) => [state.data.steps[0], state.data.steps.at(-1)];

const nearestFrame = ({ data }, step) =>
  data.steps.reduce((best, s, i) => (Math.abs(s - step) < Math.abs(data.steps[best] - step) ? i : best), 0);

const go = (state, step) => {
  const [first, last] = ends(state);
  state.step = Math.min(last, Math.max(first, step));
  state.slider.value = String(state.step);
  const batch = Math.round(state.step);
  state.words.textContent =
    batch === 0
      ? "Before training"
      : `After ${batch.toLocaleString("en")} of ${state.data.last.toLocaleString("en")} batches`;
  state.slider.setAttribute("aria-valuetext", state.words.textContent);
  window.fewShotLabSteps ??= new Map();
  window.fewShotLabSteps.set(state.data.player, state.step);
  dispatchEvent(
    new CustomEvent("few-shot-lab-step", { detail: { player: state.data.player, step: state.step } }),
  );
};

const setPlaying = (state, playing) => {
  state.playing = playing;
  state.button.textContent = playing ? "Pause" : "Play";
  state.root.dataset.playing = String(playing);
  if (!playing) return;
  const [first, last] = ends(state);
  if (state.step >= last) go(state, first);
  state.before = null;
  requestAnimationFrame((now) => playOn(state, now));
};

const playOn = (state, now) => {
  if (!state.playing || !state.root.isConnected) return;
  const [first, last] = ends(state);
  state.before ??= now;
  if (isCalm()) {
    if (now - state.before >= JUMP_MS) {
      state.before = now;
      go(state, state.data.steps[Math.min(nearestFrame(state, state.step) + 1, state.data.steps.length - 1)]);
    }
  } else {
    const whole = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, FRAME_MS * state.data.steps.length));
    // A tab that slept must not leap.
    go(state, state.step + ((last - first) * Math.min(100, now - state.before)) / whole);
    state.before = now;
  }
  if (state.step >= last) setPlaying(state, false);
  else requestAnimationFrame((later) => playOn(state, later));
};

const KEYS = {
  ArrowRight: 1,
  ArrowUp: 1,
  ArrowLeft: -1,
  ArrowDown: -1,
  PageUp: 5,
  PageDown: -5,
  Home: -Infinity,
  End: Infinity,
};
const pressKey = (state, event) => {
  const by = KEYS[event.key];
  if (by === undefined) return;
  event.preventDefault();
  setPlaying(state, false);
  const { steps } = state.data;
  go(state, steps[Math.min(steps.length - 1, Math.max(0, nearestFrame(state, state.step) + by))]);
};

const build = (root, data) => {
  const [button, slider, words] = ["button", "input", "output"].map((tag) => document.createElement(tag));
  const state = { root, data, button, slider, words, step: data.steps[0], playing: false, before: null };
  button.type = "button";
  button.textContent = "Play";
  button.onclick = () => setPlaying(state, !state.playing);
  slider.type = "range";
  slider.step = "any";
  slider.setAttribute("aria-label", "Moment of the training");
  slider.oninput = () => {
    setPlaying(state, false);
    go(state, isCalm() ? state.data.steps[nearestFrame(state, Number(slider.value))] : Number(slider.value));
  };
  slider.onkeydown = (event) => pressKey(state, event);
  const seek = ({ detail }) => {
    if (!root.isConnected || detail.player !== state.data.player) return;
    setPlaying(state, false);
    go(state, isCalm() ? state.data.steps[nearestFrame(state, detail.step)] : detail.step);
  };
  state.connect = () => addEventListener("few-shot-lab-seek", seek);
  state.disconnect = () => removeEventListener("few-shot-lab-seek", seek);
  root.replaceChildren(button, slider, words);
  return state;
};

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".player");
  root.state ??= build(root, data);
  const { state } = root;
  state.connect();
  const [first, last] = ends(state);
  const wasAtEnd = last > first && state.step >= last;
  state.data = data;
  const [newFirst, newLast] = ends(state);
  [state.slider.min, state.slider.max] = [String(newFirst), String(newLast)];
  // Whoever looks at the newest moment of a run that goes on stays with it.
  go(state, wasAtEnd ? newLast : state.step);
  return state.disconnect;
}
