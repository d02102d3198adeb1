// An exception that nobody catches, through the frames of C.
#include <stdexcept>

extern "C" void throw_uncaught(void);

void throw_uncaught(void) {
    throw std::runtime_error("nobody catches this");
}
