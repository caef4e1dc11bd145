package g722

// levelsLow are the decision levels of the lower sub-band's 60 level quantizer, of one sign (table 14, Q6).
var levelsLow = [29]int{35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765,
	1980, 2195, 2557, 2919}

// positiveLow and negativeLow are the codes of the intervals between the levels (table 14, ILP and ILN).
var (
	positiveLow = [30]int{61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32}
	negativeLow = [30]int{63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4}
)

// outputLow6 are the values of all 6 bits (QM6). No encoder sends the first four codes (§3.3), but a line may.
var outputLow6 = [64]int{
	-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
	-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
	24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576,
	3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
}

// outputLow4 are the values of the upper 4 bits (QM4).
var outputLow4 = [16]int{0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0}

// weightsLow are by how much each code of 4 bits changes the logarithm of the scale factor (WL by RL42).
var weightsLow = [16]int{-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60}

// outputHigh are the values of the higher sub-band's 2 bits (QM2).
var outputHigh = [4]int{-7408, -1616, 7408, 1616}

// weightsHigh are by how much each code of 2 bits changes the logarithm of the scale factor (WH by RH2).
var weightsHigh = [4]int{798, -214, 798, -214}

// exponentials turn the logarithm of a scale factor back: 2048 · 2^(i/32) (ILB).
var exponentials = [32]int{2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228,
	3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008}
