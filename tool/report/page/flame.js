'use strict';
function flamePart() { return null; }
