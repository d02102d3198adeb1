'use strict';
function timelinePart() { return null; }
function timelineHas() { return false; }
function showCall() {}
