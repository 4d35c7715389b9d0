
export {Dwell as default};
