// A map that moves: at any moment of a training, between two recorded ones, the images are on their way.
const takeMotion = (state, motion) => {
  state.caption.hidden = !motion;
  if (!motion || motion === state.taken) return;
  state.taken = motion;
  state.frames = motion.frames.map((frame) => Float32Array.from(frame));
  const all = state.frames.map((frame) => boundsOf(frame, state.map.dims));
  state.map = {
    ...state.map,
    xyz: state.frames[0].slice(),
    bounds: all[0].map((_, end) => Math[end % 2 ? "max" : "min"](...all.map((bounds) => bounds[end]))),
  };
  showStep(state, window.fewShotLabSteps?.get(motion.player) ?? motion.steps[0]);
};

const showStep = (state, step) => {
  const { steps, captions } = state.data.motion;
  let k = 0;
  while (k < steps.length - 1 && steps[k + 1] <= step) k += 1;
  const from = state.frames[k];
  const to = state.frames[Math.min(k + 1, steps.length - 1)];
  const gap = (steps[k + 1] ?? Infinity) - steps[k];
  const part = Math.min(1, Math.max(0, (step - steps[k]) / gap));
  for (let i = 0; i < from.length; i += 1) state.map.xyz[i] = from[i] + (to[i] - from[i]) * part;
  if (state.caption.textContent !== captions[k]) state.caption.textContent = captions[k];
  state.canvas.dataset.step = step.toFixed(1);
  repaint(state);
};

const followPlayer = (state, { detail }) => {
  if (state.canvas.isConnected && state.data.motion?.player === detail.player) showStep(state, detail.step);
};
