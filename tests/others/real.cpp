// A C++ file for clang to be timed at: headers, templates that make others, and some code.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

template <int N> struct fibonacci {
    static constexpr int value = fibonacci<N - 1>::value + fibonacci<N - 2>::value;
};
template <> struct fibonacci<0> { static constexpr int value = 0; };
template <> struct fibonacci<1> { static constexpr int value = 1; };

int main(int argc, char **argv) {
    std::map<std::string, std::vector<int>> all;
    for (int i = 0; i < argc; i++)
        all[argv[i]].push_back(fibonacci<20>::value);
    std::vector<std::string> sorted(argv, argv + argc);
    std::sort(sorted.begin(), sorted.end());
    return static_cast<int>(all.size() + sorted.size());
}
